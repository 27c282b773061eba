"""The small pictures in the boxes of a block diagram, in characters.

With colour a character holds two cells, one above the other; without it a shade stands for their mean, and
strokes for dots where that is below nought. Colours are those of a dark ground: they cover their own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import NamedTuple

from rich.text import Text

from atlas_cli.diagrams.grid.insides import Rooms, Size
from atlas_cli.diagrams.model import Diagram
from atlas_cli.diagrams.shades import RAMPS, colour
from atlas_cli.diagrams.text import cells
from atlas_cli.diagrams.text.canvas import Canvas
from atlas_cli.diagrams.worked import Tile

_WIDEST = 24  # columns; of a picture with more, neighbours share one
_BARS = 2  # lines of bars
_KEY = 13  # shades of the key; odd, so that nought is one of them
_MARKS, _PLAIN_MARKS = "○●", "ox"  # of clouds of points
_MARK_COLOURS = ("#e9e7e1", "#f0a04b")
_UNDER_MARKS = 0.55  # of a ground's strength beneath them, so that they stand out
Row = tuple[float, ...]


class Ink(NamedTuple):
    """What the terminal can show."""

    plain: bool = False  # ASCII alone
    colour: bool = False


def rooms(diagram: Diagram) -> Rooms:
    """The sizes of all pictures of a diagram; of one that changes, as large as it gets."""
    if diagram.worked is None:
        return {}
    return {
        node: tuple(
            Size(max(size.width for size in sizes), max(size.height for size in sizes))
            for sizes in zip_longest(*([_size(t) for t in p.tiles] for p in pictures), fillvalue=Size(0, 0))
        )
        for node, pictures in diagram.worked.pictures.items()
    }


def paint(canvas: Canvas, tile: Tile, x: int, y: int, ink: Ink) -> None:
    """Draw a tile with its upper left corner there."""
    if tile.shades == "words":
        canvas.put(x, y, tile.label, "bold")
        return
    over = _over(tile)
    if over:
        canvas.put(x, y, over, "atlas.code")
        y += 1
    lines = _bars(tile, ink) if tile.shades == "bars" else _cells(tile, ink)
    for line in lines:
        for i, (character, style) in enumerate(line):
            canvas.put(x + i, y, character, style)
        y += 1
    canvas.put(x, y, tile.label, "atlas.muted")


def key(ink: Ink) -> Text:
    """The shades of numbers below and above nought."""
    shades = Text()
    for share in (i / (_KEY - 1) for i in range(_KEY)):
        if ink.colour and not ink.plain:
            shades.append("█", colour(RAMPS["signed"][1], share))
        else:
            shades.append(cells.shade_of(share, signed=True, plain=ink.plain))
    return Text.assemble("below nought ", shades, " above", style="atlas.muted")


def _size(tile: Tile) -> Size:
    if tile.shades == "words":
        return Size(len(tile.label), 1)
    high = _BARS if tile.shades == "bars" else -(-len(_pooled(tile)) // 2)
    return Size(max(_columns(tile), len(tile.label)), high + bool(_over(tile)) + bool(tile.label))


def _columns(tile: Tile) -> int:
    return len(_pooled(tile)[0])


def _over(tile: Tile) -> str:
    """The characters above the columns, where each has one of its own."""
    return tile.over if tile.columns <= _WIDEST else ""


def _pooled(tile: Tile) -> Sequence[Row]:
    """The rows, of too wide a picture the means of two by two cells."""
    rows: Sequence[Row] = tile.rows
    while len(rows[0]) > _WIDEST and tile.shades != "bars":
        pairs = zip_longest(rows[::2], rows[1::2])
        rows = [_halved(_mean(upper, lower or upper)) for upper, lower in pairs]
    return rows


def _mean(one: Row, other: Row) -> Row:
    return tuple((a + b) / 2 for a, b in zip(one, other, strict=True))


def _halved(row: Row) -> Row:
    return tuple((a + b) / 2 for a, b in zip_longest(row[::2], row[1::2], fillvalue=row[-1]))


Characters = list[tuple[str, str]]


def _cells(tile: Tile, ink: Ink) -> list[Characters]:
    rows = _pooled(tile)
    lower = [*rows[1::2], *([rows[-1]] if len(rows) % 2 else [])]
    marks = _marks(tile, len(tile.rows) / len(rows))
    dot = _coloured if ink.colour and not ink.plain else _shaded(ink.plain)
    odd = len(rows) % 2
    lines = []
    for number, (above, below) in enumerate(zip(rows[::2], lower, strict=True)):
        lone = odd and number == len(lower) - 1  # the last row of an odd number has half a line
        line = [dot(tile, a, None if lone else b) for a, b in zip(above, below, strict=True)]
        for column, mark in marks.get(number, {}).items():
            if column < len(line):
                line[column] = _marked(tile, mark, above[column], ink)
        lines.append(line)
    return lines


def _coloured(tile: Tile, above: float, below: float | None) -> tuple[str, str]:
    if below is None:
        return "▀", _colour(tile, above)
    return "▀", f"{_colour(tile, above)} on {_colour(tile, below)}"


def _colour(tile: Tile, share: float) -> str:
    return colour(RAMPS[tile.shades][1], share)


def _shaded(plain: bool) -> Callable[[Tile, float, float | None], tuple[str, str]]:
    def dot(tile: Tile, above: float, below: float | None) -> tuple[str, str]:
        share = above if below is None else (above + below) / 2
        return cells.shade_of(share, tile.shades == "signed", plain), ""

    return dot


def _marks(tile: Tile, scale: float) -> dict[int, dict[int, int]]:
    """Line -> column -> the number of the cloud that has a point there; later clouds lie on top."""
    marks: dict[int, dict[int, int]] = {}
    for number, (_, cloud) in enumerate(tile.clouds):
        for x, y in cloud:
            marks.setdefault(int(y / scale / 2), {})[int(x / scale)] = number
    return marks


def _marked(tile: Tile, mark: int, ground: float, ink: Ink) -> tuple[str, str]:
    glyph = (_PLAIN_MARKS if ink.plain else _MARKS)[mark % 2]
    if ink.plain or not ink.colour:
        return glyph, ""
    return glyph, f"{_MARK_COLOURS[mark % 2]} on {_colour(tile, _UNDER_MARKS * ground)}"


def _bars(tile: Tile, ink: Ink) -> list[Characters]:
    lines: list[Characters] = []
    for floor in reversed(range(_BARS)):  # in lines, from below
        heights = [min(1.0, max(0.0, share * _BARS - floor)) for share in tile.rows[0]]
        lines.append([(cells.meter_of(height, ink.plain), "atlas.mark") for height in heights])
    return lines
