"""Files and folders that a user names: a name that no system takes is refused before any work."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from atlas_cli import paths


def place(of: str) -> Callable[[Path | None], Path | None]:
    """The callback of an option or argument that names a place.

    Args:
        of: What it is, with the option that names it, for the message.
    """

    def taken(value: Path | None) -> Path | None:
        return None if value is None else paths.named(value, of)

    return taken


Runs = Annotated[
    Path, typer.Option("--out", help="Folder of the runs.", callback=place("folder of the runs (--out)"))
]
DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir", help="Folder of downloaded data sets.", callback=place("data folder (--data-dir)")
    ),
]
