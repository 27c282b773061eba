"""The last hand on each line before it goes to the terminal: no colour, or nothing but ASCII."""

from __future__ import annotations

from functools import lru_cache

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter

from atlas_cli.screen.terminal import to_ascii


class Colourless(LineFilter):
    """Bold, italic and reverse stay, colours go."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Each piece without its colours."""
        return [Segment(text, _without(style), control) for text, style, control in segments]


class Ascii(LineFilter):
    """Every character becomes its nearest in ASCII, one for one."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Each piece in ASCII."""
        return [Segment(_ascii(text), style, control) for text, style, control in segments]


@lru_cache(1024)
def _without(style: Style | None) -> Style | None:
    return style.without_color if style else None


@lru_cache(4096)
def _ascii(text: str) -> str:
    return text if text.isascii() else to_ascii(text)
