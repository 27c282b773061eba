"""A grid of characters on which lines join: crossings, corners and junctions come out as the right glyph."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby, pairwise
from operator import itemgetter
from typing import NamedTuple

from rich.text import Span, Text

Point = tuple[int, int]
Stroke = dict[str, int]  # direction "n", "e", "s", "w" -> weight 1 light, 2 heavy

# All glyphs of light and heavy strokes, ordered by the weights (0-2) of north, east, south, west
_GLYPHS = " ╴╸╷┐┑╻┒┓╶─╾┌┬┭┎┰┱╺╼━┍┮┯┏┲┳╵┘┙│┤┥╽┧┪└┴┵├┼┽┟╁╅┕┶┷┝┾┿┢╆╈╹┚┛╿┦┩┃┨┫┖┸┹┞╀╃┠╂╉┗┺┻┡╄╇┣╊╋"
_ROUND = str.maketrans("┌┐└┘", "╭╮╰╯")
_DASHED = str.maketrans("─│━┃", "╌┊╍┋")


class Pen(NamedTuple):
    """How a line looks; what is `behind` gives way to every other line."""

    style: str = ""
    heavy: bool = False
    dashed: bool = False
    behind: bool = False


class _Line:
    """What one net draws in one character."""

    def __init__(self) -> None:
        self.stroke: Stroke = {}
        self.pen = Pen()

    @property
    def upright(self) -> bool:
        return "n" in self.stroke and "s" in self.stroke


class Canvas:
    """Characters with styles; lines first, then whatever is put on top of them."""

    def __init__(self, ascii_only: bool = False) -> None:
        self.ascii_only = ascii_only  # draw with + - | and = # for heavy lines
        self._lines: dict[Point, dict[str, _Line]] = {}  # at each point, by net
        self._characters: dict[Point, tuple[str, str]] = {}

    def line(self, points: Iterable[Point], net: str, pen: Pen) -> None:
        """Draw a polyline; lines of one net join where they meet, lines of different nets cross."""
        for (x1, y1), (x2, y2) in pairwise(points):
            dx, dy = (x2 > x1) - (x2 < x1), (y2 > y1) - (y2 < y1)
            if dx and dy:  # it would be walked for ever
                raise ValueError(f"a line from {x1, y1} to {x2, y2} is neither level nor upright")
            ahead, behind = _DIRECTIONS[dx, dy], _DIRECTIONS[-dx, -dy]
            x, y = x1, y1
            while (x, y) != (x2, y2):
                self._stroke((x, y), net, ahead, pen)
                x, y = x + dx, y + dy
                self._stroke((x, y), net, behind, pen)

    def put(self, x: int, y: int, text: str, style: str = "") -> None:
        """Write text over whatever is there."""
        for i, character in enumerate(text):
            self._characters[x + i, y] = character, style

    def rows(self) -> list[Text]:
        """The drawing, line by line, without blanks at the ends."""
        drawn = {point: self._crossing(list(lines.values())) for point, lines in self._lines.items()}
        drawn |= self._characters
        by_row: dict[int, dict[int, tuple[str, str]]] = {}
        for (x, y), character in drawn.items():
            by_row.setdefault(y, {})[x] = character
        return [_row(by_row.get(y, {})) for y in range(max(by_row, default=-1) + 1)]

    def _stroke(self, point: Point, net: str, way: str, pen: Pen) -> None:
        line = self._lines.setdefault(point, {}).setdefault(net, _Line())
        weight = 2 if pen.heavy else 1
        if weight >= max(line.stroke.values(), default=0):
            line.pen = pen
        line.stroke[way] = max(weight, line.stroke.get(way, 0))

    def _crossing(self, lines: list[_Line]) -> tuple[str, str]:
        """The character and style of a point; where nets cross, the upright one passes in front."""
        lines = [line for line in lines if not line.pen.behind] or lines
        line = next((line for line in lines if line.upright), lines[-1])
        if self.ascii_only:
            return _ascii(line), line.pen.style
        index = 0
        for way in "nesw":
            index = 3 * index + line.stroke.get(way, 0)
        glyph = _GLYPHS[index].translate(_ROUND)
        return glyph.translate(_DASHED) if line.pen.dashed else glyph, line.pen.style


_BLANK = (" ", "")


def _row(cells: dict[int, tuple[str, str]]) -> Text:
    """One line of text, neighbours of one style together."""
    filled = [cells.get(x, _BLANK) for x in range(max(cells, default=-1) + 1)]
    spans, start = [], 0
    for style, run in groupby(filled, key=itemgetter(1)):
        end = start + sum(1 for _ in run)
        if style:
            spans.append(Span(start, end, style))
        start = end
    return Text("".join([character for character, _ in filled]), no_wrap=True, spans=spans)


_DIRECTIONS = {(0, -1): "n", (1, 0): "e", (0, 1): "s", (-1, 0): "w"}


def _ascii(line: _Line) -> str:
    heavy = 2 in line.stroke.values()
    if not {"n", "s"} & line.stroke.keys():
        return "=" if heavy else "~" if line.pen.dashed else "-"
    if not {"e", "w"} & line.stroke.keys():
        return "#" if heavy else ":" if line.pen.dashed else "|"
    return "#" if heavy else "+"
