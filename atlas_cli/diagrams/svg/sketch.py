"""A sketch as SVG: shapes in their order, then notes, and a legend of what is named."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from atlas_cli.diagrams.shades import N_SHADES
from atlas_cli.diagrams.sketch import Note, Shape, ShapeStyle, Sketch, Ticks
from atlas_cli.diagrams.svg.plots import Place, arrow, mark, number, placer
from atlas_cli.diagrams.svg.style import N_HUES, text

_HIGHEST, _WIDEST = 380.0, 700.0  # of the plane, in pixels
_NODE = 13.0  # radius
_GREY = 5  # of the hues
_MANY = 60  # dots that are drawn small
_ANCHORS = {"left": "start", "middle": "middle", "right": "end"}
_DASHES = ("", "5 3", "2 2")  # around areas, so that neighbours differ without colour


def sketch(panel: Sketch, width: float) -> tuple[list[str], float]:
    """The plane, its axes if it has any, and what the shapes are."""
    y1, y2 = panel.range[2:]
    upright = panel.y_ticks or _numbers(y1, y2)
    left = 14.0 + 6.6 * max(len(name) for name, _ in upright) if panel.axes else 4.0
    across = min(width - left - 6, _WIDEST, _HIGHEST / panel.ratio)
    high = across * panel.ratio
    place = placer(panel.range, left, left + across, high)
    parts = _ground(panel, left, across, high)
    if panel.axes:
        parts += _axes(panel, place, upright)
    for i, shape in enumerate(panel.shapes):
        nth = sum(other.style == shape.style for other in panel.shapes[:i])
        parts += _DRAW[shape.style](shape, place, nth)
    parts += [_noted(note, place) for note in panel.notes]
    below = high + (34 if panel.axes and panel.x_label else 20 if panel.axes else 4)
    legend, deep = _legend(panel, left, width, below + 12)
    return [*parts, *legend], below + deep


def _numbers(low: float, high: float) -> Ticks:
    return tuple((number(v, high - low), v) for v in (low, (low + high) / 2, high))


def _ground(panel: Sketch, left: float, across: float, high: float) -> list[str]:
    if not panel.ground:
        return []
    wide, tall = across / len(panel.ground[0]), high / len(panel.ground)
    span = (panel.high - panel.low) or 1.0
    parts = []
    for i, row in enumerate(panel.ground):
        for j, value in enumerate(row):
            share = min(1.0, max(0.0, (value - panel.low) / span))
            parts.append(
                f'<rect class="h{round(share * (N_SHADES - 1))}" fill-opacity=".55" x="{left + j * wide:.1f}"'
                f' y="{i * tall:.1f}" width="{wide:.1f}" height="{tall:.1f}"/>'
            )
    return parts


def _axes(panel: Sketch, place: Place, upright: Ticks) -> list[str]:
    x1, x2, y1, y2 = panel.range
    (left, bottom), (right, top) = place(x1, y1), place(x2, y2)
    parts = [f'<path class="axis" fill="none" d="M{left:.1f} {top:.1f}V{bottom:.1f}H{right:.1f}"/>']
    for name, at in upright:
        y = min(max(place(x1, at)[1] + 4, top + 9), bottom)
        parts.append(text(left - 6, y, name, "soft", 11, 'text-anchor="end"'))
    for name, at in panel.x_ticks or _numbers(x1, x2):
        x, reach = place(at, y1)[0], 3.1 * len(name)
        x = min(max(x, left + reach), right - reach)
        parts.append(text(x, bottom + 14, name, "soft", 11, 'text-anchor="middle"'))
    if panel.x_label:
        middle = (left + right) / 2
        parts.append(text(middle, bottom + 29, panel.x_label, "soft", 12, 'text-anchor="middle"'))
    if panel.y_label:
        parts.append(text(left + 6, top + 10, panel.y_label, "soft", 12))
    return parts


def _hue(shape: Shape) -> tuple[str, str]:
    """The classes of its line and of its fill."""
    if shape.hue is None:
        return "axis", "soft"
    return f"s{shape.hue % N_HUES}", f"f{shape.hue % N_HUES}"


def _way(points: list[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def _placed(shape: Shape, place: Place) -> list[list[tuple[float, float]]]:
    return [[place(*point) for point in path] for path in shape.paths]


def _lines(shape: Shape, place: Place, nth: int) -> list[str]:
    dashed = ' stroke-dasharray="6 4"' if shape.style == "dashed" else ""
    thick = 1.2 if shape.hue is None else 2
    return [
        f'<path class="{_hue(shape)[0]}" fill="none" stroke-width="{thick}"{dashed} d="{_way(points)}"/>'
        for points in _placed(shape, place)
    ]


def _arrows(shape: Shape, place: Place, nth: int) -> list[str]:
    thick = 2.2 if len(shape.paths) <= N_HUES else 1.5
    parts = []
    for points in _placed(shape, place):
        parts += [
            arrow(a, b, _GREY if shape.hue is None else shape.hue % N_HUES, thick)
            for a, b in list(pairwise(points))[-1:]
        ]
        if len(points) > 2:
            parts.append(
                f'<path class="{_hue(shape)[0]}" fill="none" stroke-width="{thick}" d="{_way(points[:-1])}"/>'
            )
    return parts


def _dots(shape: Shape, place: Place, nth: int) -> list[str]:
    small = nth == 0 and sum(map(len, shape.paths)) > _MANY
    marks = [mark(0 if small else nth + 1, *point) for path in _placed(shape, place) for point in path]
    return [f'<g class="{_hue(shape)[1]}">', *marks, "</g>"]


def _areas(shape: Shape, place: Place, nth: int) -> list[str]:
    line, fill = _hue(shape)
    dashes = f' stroke-dasharray="{_DASHES[nth % len(_DASHES)]}"' if nth % len(_DASHES) else ""
    return [
        f'<path class="{fill}" fill-opacity=".25" d="{_way(points)}Z"/>'
        f'<path class="{line}" fill="none" stroke-width="1.2"{dashes} d="{_way(points)}Z"/>'
        for points in _placed(shape, place)
    ]


def _nodes(shape: Shape, place: Place, nth: int) -> list[str]:
    line, fill = _hue(shape)
    full = shape.style == "full nodes"
    parts = []
    for x, y in (point for path in _placed(shape, place) for point in path):
        at = f'cx="{x:.1f}" cy="{y:.1f}" r="{_NODE:g}"'
        parts.append(f'<circle class="page" {at}/>')
        parts.append(f'<circle class="{fill}" fill-opacity="{".3" if full else "0"}" {at}/>')
        parts.append(f'<circle class="{line}" fill="none" stroke-width="{2.6 if full else 1.4}" {at}/>')
    return parts


_DRAW: dict[ShapeStyle, Callable[[Shape, Place, int], list[str]]] = {
    "line": _lines,
    "dashed": _lines,
    "arrow": _arrows,
    "dots": _dots,
    "area": _areas,
    "nodes": _nodes,
    "full nodes": _nodes,
}


def _noted(note: Note, place: Place) -> str:
    x, y = place(note.x, note.y)
    return text(x, y + 4, note.text, "ink", 11.5, f'text-anchor="{_ANCHORS[note.side]}"')


def _legend(panel: Sketch, left: float, width: float, y: float) -> tuple[list[str], float]:
    """A sample and a name for each shape that has one; how high that comes out."""
    parts: list[str] = []
    x, top = left, y
    for i, shape in enumerate(panel.shapes):
        if not shape.label:
            continue
        wide = 46 + 6.4 * len(shape.label)
        if x > left and x + wide > width:
            x, y = left, y + 19
        nth = sum(other.style == shape.style for other in panel.shapes[:i])
        parts.append(f"<g>{_sample(shape, x, y, nth)}</g>")
        parts.append(text(x + 30, y + 4, shape.label, "soft", 12))
        x += wide
    return parts, y - top + 24 if parts else 8


def _sample(shape: Shape, x: float, y: float, nth: int) -> str:
    """The shape itself, small: in a box of 24 by 12."""
    corners = ((x + 2, y - 6), (x + 22, y - 6), (x + 22, y + 6), (x + 2, y + 6))
    points = {"area": corners, "dots": ((x + 12, y),), "nodes": ((x + 12, y),), "full nodes": ((x + 12, y),)}
    small = Shape("", (points.get(shape.style, ((x, y), (x + 24, y))),), shape.style, shape.hue)
    drawn = "".join(_DRAW[shape.style](small, lambda x, y: (x, y), nth))
    return drawn.replace(f'r="{_NODE:g}"', 'r="7"')
