"""The device that a user names: one that there may be is asked for later, where torch is."""

from __future__ import annotations

from typing import Annotated

import typer

from atlas_cli.errors import UsageError

KNOWN = ("auto", "cpu", "cuda", "mps")


def _known(value: str) -> str:
    if value not in KNOWN:
        raise UsageError(f"there is no device {value!r} (--device)", f"choose one of: {', '.join(KNOWN)}")
    return value


Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda or mps.", callback=_known)]
