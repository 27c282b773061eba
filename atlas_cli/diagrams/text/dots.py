"""A plane of dots in a terminal: eight Braille dots a character, or one ASCII character each.

Coordinates are those of the panel; y grows upwards. What is drawn later covers what was drawn before,
characters cover dots, and dots cover areas.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby, pairwise
from math import ceil
from typing import Any

from rich.text import Text

from atlas_cli.screen.lines import Lines

_BRAILLE = 0x2800
_BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # of a dot, by row and column


class Dots:
    """`columns` by `lines` characters that show x from `left` to `right` and y from `bottom` to `top`."""

    def __init__(
        self, columns: int, lines: int, window: tuple[float, float, float, float], plain: bool = False
    ) -> None:
        self.columns, self.lines, self.plain = columns, lines, plain
        self.left, self.right, self.bottom, self.top = window
        self._fine = (1, 1) if plain else (2, 4)  # dots of a character, across and down
        self._dots: dict[tuple[int, int], int] = {}
        self._styles: dict[tuple[int, int], str] = {}
        self._characters: dict[tuple[int, int], str] = {}
        self._ground: dict[tuple[int, int], tuple[str, str]] = {}  # a character and its style
        self.part: Any = None  # what is drawn from now on is a part of
        self.parts: dict[tuple[int, int], Any] = {}  # of each character

    def line(self, start: tuple[float, float], end: tuple[float, float], style: str, gap: int = 0) -> None:
        """A straight line; with a gap, every so many dots are left out."""
        (x1, y1), (x2, y2) = self._place(start), self._place(end)
        n = max(abs(x2 - x1), abs(y2 - y1), 1)
        for i in range(n + 1):
            x, y = round(x1 + (x2 - x1) * i / n), round(y1 + (y2 - y1) * i / n)
            if not gap or (x + y) % (2 * gap) < gap:
                self._dot(x, y, style)

    def put(self, point: tuple[float, float], character: str, style: str) -> None:
        """One character at a point."""
        cell = self.cell(point)
        if self._inside(*cell):
            self._characters[cell] = character
            self._styles[cell] = style
            self._own(cell)

    def write(self, point: tuple[float, float], text: str, style: str, share: float = 0.5) -> None:
        """A text along a line, whose start, middle or end (`share` 0 to 1) is at a point."""
        column, line = self.cell(point)
        start = column - int((len(text) - 1) * share)
        start = max(0, min(start, self.columns - len(text)))
        for i, character in enumerate(text):
            if self._inside(start + i, line):
                self._characters[start + i, line], self._styles[start + i, line] = character, style
                self._own((start + i, line))

    def fill(self, path: Sequence[tuple[float, float]], character: str, style: str) -> None:
        """Every character whose middle a closed path goes around, behind lines and texts.

        Of what is too thin to go around the middle of any line, the line it lies in.
        """
        places = [(self._exact(x, self.left, self.right, self.columns),
                   self._exact(y, self.top, self.bottom, self.lines)) for x, y in path]  # fmt: skip
        edges = list(pairwise([*places, places[0]]))
        top, foot = min(y for _, y in places), max(y for _, y in places)
        middles = [line + 0.5 for line in range(self.lines) if top <= line + 0.5 < foot]
        for y in middles or [(top + foot) / 2]:
            line = min(self.lines - 1, max(0, int(y)))
            cut = sorted(
                ax + (y - ay) * (bx - ax) / (by - ay)
                for (ax, ay), (bx, by) in edges
                if (ay <= y) != (by <= y)
            )
            for start, end in zip(cut[::2], cut[1::2], strict=True):
                for column in range(max(0, ceil(start - 0.5)), min(self.columns, ceil(end - 0.5))):
                    self._ground[column, line] = character, style
                    self._own((column, line))

    def lay(self, column: int, line: int, character: str, style: str) -> None:
        """One character behind all that is drawn."""
        self._ground[column, line] = character, style

    def cell(self, point: tuple[float, float]) -> tuple[int, int]:
        """The column and the line of a point."""
        x, y = self._place(point)
        return x // self._fine[0], y // self._fine[1]

    def upright(self, x: float, style: str) -> None:
        """A line from top to bottom, behind everything that stands there."""
        column = self._place((x, self.top))[0] // self._fine[0]
        for line in range(self.lines):
            cell = column, line
            if self._inside(*cell) and cell not in self._dots and cell not in self._characters:
                self._characters[cell], self._styles[cell] = "|" if self.plain else "┊", style

    def rows(self) -> Lines:
        """Line by line, neighbours of one style together."""
        return [self._row(line) for line in range(self.lines)]

    def shown(self, column: int, line: int) -> tuple[float, float]:
        """The x and the y of a character; those at the edges show the ends."""
        across, down = column / max(1, self.columns - 1), line / max(1, self.lines - 1)
        return self.left + (self.right - self.left) * across, self.top + (self.bottom - self.top) * down

    def _row(self, line: int) -> Text:
        cells = [self._cell(x, line) for x in range(self.columns)]
        runs = [
            ("".join(c for c, _ in run), style) for style, run in groupby(cells, key=lambda cell: cell[1])
        ]
        return Text.assemble(*runs, no_wrap=True)

    def _cell(self, x: int, y: int) -> tuple[str, str]:
        """The character that is seen, and its style."""
        style = self._styles.get((x, y), "")
        if (x, y) in self._characters:
            return self._characters[x, y], style
        dots = self._dots.get((x, y), 0)
        if not dots:
            return self._ground.get((x, y), (" ", style))
        return "." if self.plain else chr(_BRAILLE + dots), style

    @staticmethod
    def _exact(value: float, first: float, last: float, cells: int) -> float:
        """Where a value lies among cells, from 0 at the outer edge of the first."""
        return (value - first) / ((last - first) or 1) * cells

    def _place(self, point: tuple[float, float]) -> tuple[int, int]:
        across, down = self.columns * self._fine[0] - 1, self.lines * self._fine[1] - 1
        x = (point[0] - self.left) / ((self.right - self.left) or 1) * across
        y = (self.top - point[1]) / ((self.top - self.bottom) or 1) * down
        return round(x), round(y)

    def _dot(self, x: int, y: int, style: str) -> None:
        cell = x // self._fine[0], y // self._fine[1]
        if not self._inside(*cell):
            return
        bit = 1 if self.plain else _BITS[y % 4][x % 2]
        self._dots[cell] = self._dots.get(cell, 0) | bit
        self._styles[cell] = style
        self._own(cell)

    def _own(self, cell: tuple[int, int]) -> None:
        if self.part is not None:
            self.parts[cell] = self.part

    def _inside(self, x: int, y: int) -> bool:
        return 0 <= x < self.columns and 0 <= y < self.lines
