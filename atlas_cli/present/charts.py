"""Curves of several runs over one pair of axes, in a terminal: braille dots in colours, letters without."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from rich.text import Text

Curve = Sequence[tuple[float, float]]
Cells = dict[tuple[int, int], str]  # (row, column) -> a character of one curve

COLOURS = ("#3f87b5", "#c8642e", "#2f8f74", "#a35fa8", "#b5743a", "#c0503f", "#808080")  # of the palette
LETTERS = "abcdefghijklmnopqrstuvwxyz"
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # braille: (row, column) of a cell -> bit
_LABEL = 9  # columns for the numbers of the upright axis


def overlaid(
    curves: Mapping[str, Curve], width: int, height: int, colours: bool, log: bool = False
) -> list[Text]:
    """The curves over one pair of axes, and what each is called.

    Args:
        curves: Points (x, y) by name; what is not finite is left out.
        width: Columns for all of it.
        height: Rows of the drawing itself.
        colours: Tell the curves apart by colours (and draw in braille), else by letters.
        log: An upright axis in powers of ten; points that are not positive are left out.
    """
    shown = {name: _finite(points, log) for name, points in curves.items()}
    shown = {name: points for name, points in shown.items() if points}
    if not shown:
        return []
    box = _box(shown)
    columns = max(10, width - _LABEL - 2)
    layers = [
        _braille(points, box, columns, height) if colours else _letters(points, box, columns, height, mark)
        for points, mark in zip(shown.values(), _cycled(LETTERS), strict=False)
    ]
    low, high = (10**y if log else y for y in box[2:])
    return [
        *_rows(layers, columns, height, (low, high), colours),
        Text(f"{'':>{_LABEL}} {'└' if colours else '+'}{('─' if colours else '-') * columns}"),
        Text(f"{'':>{_LABEL}}  {box[0]:<{columns // 2}g}{box[1]:>{columns - columns // 2}g}  step"),
        *_legend(list(shown), colours),
    ]


def _finite(points: Curve, log: bool) -> list[tuple[float, float]]:
    kept = [(x, y) for x, y in points if math.isfinite(y) and (y > 0 or not log)]
    return [(x, math.log10(y)) for x, y in kept] if log else kept


def _box(shown: Mapping[str, Curve]) -> tuple[float, float, float, float]:
    """x from, x to, y from, y to, of all curves together."""
    xs = [x for points in shown.values() for x, _ in points]
    ys = [y for points in shown.values() for _, y in points]
    return min(xs), max(xs), min(ys), max(ys)


def _dots(
    points: Curve, box: tuple[float, float, float, float], columns: int, rows: int
) -> Iterator[tuple[int, int]]:
    """(row, column) of every dot on the lines between the points, on a raster of so many."""
    left, right, low, high = box
    placed = [
        (
            round((x - left) / ((right - left) or 1) * (columns - 1)),
            round((high - y) / ((high - low) or 1) * (rows - 1)),
        )
        for x, y in points
    ]
    yield from ((row, column) for column, row in placed[:1])
    for (x0, y0), (x1, y1) in pairwise(placed):
        n = max(abs(x1 - x0), abs(y1 - y0), 1)
        for i in range(n + 1):
            yield round(y0 + (y1 - y0) * i / n), round(x0 + (x1 - x0) * i / n)


def _braille(points: Curve, box: tuple[float, float, float, float], columns: int, rows: int) -> Cells:
    bits: dict[tuple[int, int], int] = {}
    for row, column in _dots(points, box, 2 * columns, 4 * rows):
        cell = (row // 4, column // 2)
        bits[cell] = bits.get(cell, 0) | _DOTS[row % 4][column % 2]
    return {cell: chr(0x2800 + pattern) for cell, pattern in bits.items()}


def _letters(
    points: Curve, box: tuple[float, float, float, float], columns: int, rows: int, mark: str
) -> Cells:
    return dict.fromkeys(_dots(points, box, columns, rows), mark)


def _rows(
    layers: Sequence[Cells], columns: int, height: int, ends: tuple[float, float], colours: bool
) -> Iterator[Text]:
    """The drawing with the numbers of its upright axis; where curves cross, the first one is seen."""
    low, high = ends
    for row in range(height):
        label = f"{high:.3g}" if row == 0 else f"{low:.3g}" if row == height - 1 else ""
        line = Text(f"{label:>{_LABEL}} {'┤' if colours else '|'}")
        for column in range(columns):
            owner = next((i for i, cells in enumerate(layers) if (row, column) in cells), None)
            if owner is None:
                line.append(" ")
            else:
                style = COLOURS[owner % len(COLOURS)] if colours else ""
                line.append(layers[owner][row, column], style)
        line.rstrip()
        yield line


def _legend(names: Sequence[str], colours: bool) -> Iterator[Text]:
    marks = zip(names, _cycled(LETTERS), _cycled(COLOURS), strict=False)
    for name, letter, colour in marks:
        mark = Text("━━ ", colour) if colours else Text(f"{letter}  ")
        yield Text(" " * (_LABEL + 2)) + mark + Text(name)


def _cycled(items: Sequence[str]) -> Iterator[str]:
    while True:
        yield from items
