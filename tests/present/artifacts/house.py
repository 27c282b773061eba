"""Consoles that artifacts are printed on, read back as text."""

from __future__ import annotations

import io

from rich.console import Console

from atlas_cli.present.artifacts.base import Artifact


def printed(artifact: Artifact, encoding: str = "utf-8", colour: bool = False, width: int = 80) -> str:
    """What it prints; raises if a character does not fit the encoding."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="strict")
    system = "truecolor" if colour else None
    artifact.print(Console(file=stream, width=width, color_system=system, force_terminal=colour))
    stream.flush()
    return stream.buffer.getvalue().decode(encoding)  # type: ignore[attr-defined]
