"""Consoles that artifacts are printed on, read back as text."""

from __future__ import annotations

import io

from rich.console import Console
from rich.theme import Theme

from atlas_cli.present.artifacts.base import Artifact
from atlas_cli.screen.terminal import PALETTE


class Screen(io.TextIOWrapper):
    """A stream that someone sits before."""

    def isatty(self) -> bool:
        return True


def printed(
    artifact: Artifact, encoding: str = "utf-8", colour: bool = False, width: int = 80,
    height: int | None = None,
) -> str:  # fmt: skip
    """What it prints; raises if a character does not fit the encoding. With a height on a screen."""
    kind = io.TextIOWrapper if height is None else Screen
    stream = kind(io.BytesIO(), encoding=encoding, errors="strict")
    system = "truecolor" if colour else None
    forced = colour or height is not None
    console = Console(
        file=stream, width=width, height=height, color_system=system, force_terminal=forced,
        force_interactive=height is not None, theme=Theme(PALETTE),
    )  # fmt: skip
    artifact.print(console)
    stream.flush()
    return stream.buffer.getvalue().decode(encoding)  # type: ignore[attr-defined]
