"""A sketch in a terminal: shapes in Braille, areas as shades that differ, notes in letters."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise

from rich.text import Text

from atlas_cli.diagrams.sketch import Paths, Shape, ShapeStyle, Sketch, Ticks
from atlas_cli.diagrams.text.dots import Dots
from atlas_cli.diagrams.text.look import Look
from atlas_cli.diagrams.text.parts import Part, part_of
from atlas_cli.diagrams.text.plots import (
    HUES,
    MARKS,
    PLAIN_MARKS,
    SQUARE,
    foot,
    framed,
    head,
    joined,
    known,
    number,
)
from atlas_cli.screen.lines import Lines

_WIDEST = 72  # columns
_MANY = 60  # dots that are drawn small
_AREAS, _PLAIN_AREAS = "▒░▓", ":%#"  # neighbours differ without colour
_SHADES, _PLAIN_SHADES = " ░▒▓", " :-%"  # of the ground: no mark looks like one of them
_SHARES = {"left": 0.0, "middle": 0.5, "right": 1.0}


def sketch(panel: Sketch, look: Look) -> Lines:
    """The plane, its axes if it has any, and what the shapes are."""
    width, plain = look.width, look.plain
    y1, y2 = panel.range[2:]
    upright = panel.y_ticks or ((number(y2, y2 - y1), y2), (number(y1, y2 - y1), y1))
    margin = max(len(name) for name, _ in upright) if panel.axes else 0
    columns = min(width - margin - 2, _WIDEST, round(2 * SQUARE / panel.ratio))
    dots = Dots(columns, max(5, round(columns * panel.ratio / 2)), panel.range, plain)
    _shade(dots, panel)
    for i, shape in enumerate(panel.shapes):
        for place, paths in _pieces(shape):
            dots.part = None if place is None else _part(panel, shape, place, look)
            _DRAW[shape.style](dots, shape, paths, _style(shape), _alike(panel, i))
    dots.part = None
    for note in panel.notes:
        dots.write((note.x, note.y), note.text, "bold", _SHARES[note.side])
    rows = known(dots, panel, look)
    names = [(_sample(shape, _alike(panel, i), plain) + f" {shape.label}", _style(shape))
             for i, shape in enumerate(panel.shapes) if shape.label]  # fmt: skip
    said = joined(names, width) if names else []
    if not panel.axes:
        return [*rows, *said]
    below = _named(panel, dots, margin) if panel.x_ticks else [_ends(panel, dots, margin)]
    return [*framed(rows, _beside(upright, dots), margin, plain), *below, *said]


def _pieces(shape: Shape) -> Iterable[tuple[int | None, Paths]]:
    """The paths of each of its parts, with the part's place; all of them where it has none."""
    if not shape.parts:
        return [(None, shape.paths)]
    single = [[point] for path in shape.paths for point in path]
    paths = single if shape.style in ("dots", "nodes", "full nodes") else shape.paths
    return [(i, (path,)) for i, path in enumerate(paths)]


def _part(panel: Sketch, shape: Shape, place: int, look: Look) -> Part | None:
    numbers = shape.made_of(place)
    name = " ".join(str(n + 1) for n in numbers[-1:])
    return part_of(panel, look.number, {"x": numbers}, f"{shape.label} {name}".strip())


def _style(shape: Shape) -> str:
    return "atlas.muted" if shape.hue is None else HUES[shape.hue % len(HUES)]


def _alike(panel: Sketch, i: int) -> int:
    """How many shapes of its style come before a shape: its mark and its shade go by this.

    On a ground of shades the count begins at one, for the first mark of all is too small to be seen there.
    """
    return sum(shape.style == panel.shapes[i].style for shape in panel.shapes[:i]) + bool(panel.ground)


def _shade(dots: Dots, panel: Sketch) -> None:
    ramp = _PLAIN_SHADES if dots.plain else _SHADES
    span = (panel.high - panel.low) or 1.0
    for line in range(dots.lines if panel.ground else 0):
        row = panel.ground[line * len(panel.ground) // dots.lines]
        for column in range(dots.columns):
            share = (row[column * len(row) // dots.columns] - panel.low) / span
            dots.lay(column, line, ramp[max(0, min(len(ramp) - 1, int(share * len(ramp))))], "atlas.accent")


def _line(dots: Dots, shape: Shape, paths: Paths, style: str, nth: int) -> None:
    for path in paths:
        for start, end in pairwise(path):
            dots.line(start, end, style, gap=2 if shape.style == "dashed" else 0)


def _arrow(dots: Dots, shape: Shape, paths: Paths, style: str, nth: int) -> None:
    _line(dots, shape, paths, style, nth)
    for path in paths:
        (ax, ay), (bx, by) = (dots.cell(point) for point in path[-2:])
        if abs(bx - ax) + abs(by - ay) > 1:  # a head would be all that is seen of a shorter one
            dots.put(path[-1], head(bx - ax, 2 * (ay - by), dots.plain), style)


def _dots(dots: Dots, shape: Shape, paths: Paths, style: str, nth: int) -> None:
    for path in paths:
        for point in path:
            dots.put(point, _mark(nth, sum(map(len, shape.paths)), dots.plain), style)


def _mark(nth: int, count: int, plain: bool) -> str:
    marks = PLAIN_MARKS if plain else MARKS
    return marks[0] if count > _MANY and nth == 0 else marks[1 + nth % (len(marks) - 1)]


def _area(dots: Dots, shape: Shape, paths: Paths, style: str, nth: int) -> None:
    shades = _PLAIN_AREAS if dots.plain else _AREAS
    for path in paths:
        dots.fill(path, shades[nth % len(shades)], style)


def _nodes(dots: Dots, shape: Shape, paths: Paths, style: str, nth: int) -> None:
    """Room for a note of two letters; where there is none, the node itself."""
    full = shape.style == "full nodes"
    for path in paths:
        for point in path:
            dots.write(point, "[  ]" if full else "    ", style)


_DRAW: dict[ShapeStyle, Callable[[Dots, Shape, Paths, str, int], None]] = {
    "line": _line,
    "dashed": _line,
    "arrow": _arrow,
    "dots": _dots,
    "area": _area,
    "nodes": _nodes,
    "full nodes": _nodes,
}


def _sample(shape: Shape, nth: int, plain: bool) -> str:
    """What the legend shows of a shape."""
    match shape.style:
        case "area":
            return 2 * (_PLAIN_AREAS if plain else _AREAS)[nth % len(_AREAS)]
        case "dots":
            return _mark(nth, sum(map(len, shape.paths)), plain)
        case style:
            samples = {"line": "──", "dashed": "╌╌", "arrow": "─→", "nodes": "n", "full nodes": "[n]"}
            plainly = {"line": "--", "dashed": "- -", "arrow": "->"}
            return (samples | plainly if plain else samples)[style]


def _beside(ticks: Ticks, dots: Dots) -> list[str]:
    """The name of every line of the plane."""
    names = [""] * dots.lines
    for name, at in ticks:
        line = dots.cell((dots.left, at))[1]
        if 0 <= line < dots.lines:
            names[line] = name
    return names


def _ends(panel: Sketch, dots: Dots, margin: int) -> Text:
    left, right = (number(x, dots.right - dots.left) for x in (dots.left, dots.right))
    return foot(left, panel.x_label, right, dots.columns, margin)


def _named(panel: Sketch, dots: Dots, margin: int) -> Lines:
    """Names under their places, those that have room, and what lies across."""
    line, free = "", 0
    for name, at in sorted(panel.x_ticks, key=lambda tick: tick[1]):
        start = dots.cell((at, dots.bottom))[0] - (len(name) - 1) // 2
        start = max(0, min(start, dots.columns - len(name)))
        if start >= free:
            line = line.ljust(start) + name
            free = start + len(name) + 1
    below = [Text(" " * (margin + 2) + line, "atlas.muted")]
    return [*below, foot("", panel.x_label, "", dots.columns, margin)] if panel.x_label else below
