"""Stepped block diagrams as SVG for a web page: the terminal's geometry, proportional text, parts to light.

Colours, lit parts and motion are the style sheet's (assets/diagram.css). A box that stands for a function of
this project is a button; the script shows the function beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from itertools import pairwise
from typing import NamedTuple

from atlas_cli.diagrams.grid.layout import lay_out
from atlas_cli.diagrams.grid.placed import Box, Frame, Label, Layout, Point, Route, TooNarrowError
from atlas_cli.diagrams.model import Diagram, Edge
from atlas_cli.diagrams.svg import stack, tiles
from atlas_cli.diagrams.svg.tiles import Fit

_CELL_HEIGHT = 15.0  # pixels
_CELL_WIDTH = 7.6
_NARROWEST_CELL = 4.8  # small text still fits where a terminal would put it
_WIDE, _WIDE_FILLED = 80, 76  # columns; boxes with pictures take all of them
_WIDEST = 200
_PHONE = 303.0  # pixels that a phone leaves for a picture
_CORNER = 7.0  # radius of a bend
_HEAD = 8.0  # length of an arrowhead
_BADGE = 9.0

Pixel = tuple[float, float]


class _Scale(NamedTuple):
    """From character cells to pixels; lines run through the middle of a cell."""

    width: float
    small: bool = False

    @property
    def fit(self) -> Fit:
        return (tiles.phone if self.small else tiles.screen)(self.width)

    def corner(self, x: float, y: float) -> Pixel:
        return x * self.width, y * _CELL_HEIGHT

    def at(self, x: float, y: float) -> Pixel:
        return (x + 0.5) * self.width, (y + 0.5) * _CELL_HEIGHT


def drawings(diagram: Diagram) -> str:
    """The picture for a screen and, where it can be drawn narrower, the one for a phone."""
    columns = _WIDE_FILLED if diagram.worked else _WIDE
    wide = _lay_out_within(diagram, columns, tiles.screen(_CELL_WIDTH))
    narrow = _lay_out_within(diagram, int(_PHONE / _CELL_WIDTH), tiles.phone(_CELL_WIDTH), close=True)
    if narrow.width >= wide.width or wide.width * _CELL_WIDTH <= _PHONE:
        return _svg(diagram, wide, _Scale(_CELL_WIDTH), "")
    cell = min(max(_PHONE / narrow.width, _NARROWEST_CELL), _CELL_WIDTH)
    return _svg(diagram, wide, _Scale(_CELL_WIDTH), "for-screen") + _svg(
        diagram, narrow, _Scale(cell, small=True), "for-phone"
    )


def _lay_out_within(diagram: Diagram, width: int, fit: Fit, close: bool = False) -> Layout:
    """The layout for `width` columns, or for as few more as it needs."""
    rooms = tiles.rooms(diagram, fit)
    for columns in range(width, _WIDEST):
        try:
            return lay_out(diagram, columns, rooms, close)
        except TooNarrowError:
            continue
    return lay_out(diagram, _WIDEST, rooms, close)


def _svg(diagram: Diagram, layout: Layout, scale: _Scale, purpose: str) -> str:
    margin = _BADGE + 2  # room for the badges of boxes at the border
    width, height = layout.width * scale.width + 2 * margin, layout.height * _CELL_HEIGHT + margin
    classes = " ".join(filter(None, ("blocks", purpose, "small" if scale.small else "")))
    above = stack.height(diagram, layout.width * scale.width)
    parts = [
        stack.draw(diagram, layout.width * scale.width),
        *(_frame(frame, scale) for frame in layout.frames),
        *_edges(layout, scale),
        *(_frame_title(frame, scale) for frame in layout.frames),
        *(_label(route, scale) for route in layout.routes),
        *(_box(diagram, box, scale) for box in layout.boxes.values()),
    ]
    height += above
    view = f"{-margin:g} {-margin / 2 - above:g} {width:.0f} {height:.0f}"
    return (
        f'<svg class="{classes}" viewBox="{view}" width="{width:.0f}" height="{height:.0f}"'
        f' style="--natural:{width:.0f}px"'
        f' role="group" aria-label="{escape(diagram.title)}: boxes and arrows">{"".join(parts)}</svg>'
    )


def _frame(frame: Frame, scale: _Scale) -> str:
    (left, top), (right, bottom) = scale.at(frame.x, frame.y), scale.at(frame.right, frame.bottom)
    return (
        f'<g class="frame" aria-hidden="true"><rect x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}"'
        f' height="{bottom - top:.1f}" rx="10"/></g>'
    )


def _frame_title(frame: Frame, scale: _Scale) -> str:
    """Drawn after the arrows: where one passes, it is the arrow that is cut."""
    x, y = scale.at(frame.title.x, frame.title.y)
    if frame.title.x == frame.x + 2:  # the usual place; nearer to the corner, arrows leave it alone
        x = scale.at(frame.x, frame.y)[0] + 8
    return (
        f'<g class="frame" aria-hidden="true">'
        f'<text x="{x:.1f}" y="{y + 4:.1f}">{escape(frame.group.label)}</text></g>'
    )


# --- arrows -----------------------------------------------------------------------------------------------


def _edges(layout: Layout, scale: _Scale) -> Iterator[str]:
    """All arrows; a halo under each lets crossings read as bridges, and arrows of one source join."""
    sources = dict.fromkeys((route.edge.source, route.edge.kind) for route in layout.routes)
    for source in sources:
        routes = [r for r in layout.routes if (r.edge.source, r.edge.kind) == source]
        drawn = [(route.edge, *_arrow(_on_borders(route, layout, scale))) for route in routes]
        yield "".join(f'<path class="halo" d="{line}"/>' for _, line, _ in drawn)
        yield "".join(_edge(edge, line, head) for edge, line, head in drawn)


def _edge(edge: Edge, line: str, head: str) -> str:
    return (
        f'<g class="edge {edge.kind}" data-edge="{_pair(edge.ends)}" aria-hidden="true">'
        f'<path class="line" d="{line}"/><path class="head" d="{head}"/></g>'
    )


def _on_borders(route: Route, layout: Layout, scale: _Scale) -> list[Pixel]:
    """The polyline in pixels, lengthened from the cell in front of its target to the target's border."""
    points: list[Point] = list(route.points)
    (x1, y1), (x2, y2) = points[-2:]
    ahead = ((x2 > x1) - (x2 < x1), (y2 > y1) - (y2 < y1))
    points[-1] = (x2 + ahead[0], y2 + ahead[1])
    return [scale.at(x, y) for x, y in points]


def _arrow(points: list[Pixel]) -> tuple[str, str]:
    """A line with round bends, and the head at its end."""
    (x1, y1), (x2, y2) = points[-2:]
    dx, dy = _direction((x1, y1), (x2, y2))
    neck = (x2 - dx * _HEAD, y2 - dy * _HEAD)
    line = [f"M{_xy(points[0])}"]
    for before, here, after in zip(points, points[1:], points[2:], strict=False):
        radius = min(_CORNER, _distance(before, here) / 2, _distance(here, after) / 2)
        (ax, ay), (bx, by) = _direction(here, before), _direction(here, after)
        start = (here[0] + ax * radius, here[1] + ay * radius)
        end = (here[0] + bx * radius, here[1] + by * radius)
        line.append(f"L{_xy(start)}Q{_xy(here)} {_xy(end)}")
    line.append(f"L{_xy(neck)}")
    side = _HEAD * 0.5
    left, right = (neck[0] - dy * side, neck[1] + dx * side), (neck[0] + dy * side, neck[1] - dx * side)
    return "".join(line), f"M{_xy((x2, y2))}L{_xy(left)}L{_xy(right)}Z"


def _label(route: Route, scale: _Scale) -> str:
    label, anchor = route.label, "start"
    if label is None:
        return ""
    x = label.x * scale.width
    longest = max(map(len, label.lines))
    if _is_between(route, label):
        anchor, x = "middle", (label.x + longest / 2) * scale.width
    elif any(x1 >= label.x + longest for (x1, _) in route.points[-2:]):
        anchor, x = "end", (label.x + longest) * scale.width
    lines = "".join(
        f'<tspan x="{x:.1f}" y="{(label.y + i + 0.5) * _CELL_HEIGHT + 4:.1f}">{escape(line)}</tspan>'
        for i, line in enumerate(label.lines)
    )
    return (
        f'<text class="label" data-edge="{_pair(route.edge.ends)}" aria-hidden="true" text-anchor="{anchor}">'
        f"{lines}</text>"
    )


def _is_between(route: Route, label: Label) -> bool:
    """Whether the label stands over a level arrow."""
    return any(
        y1 == y2 and min(x1, x2) <= label.x <= max(x1, x2) and y1 == label.y + 1
        for (x1, y1), (x2, y2) in pairwise(route.points)
    ) and len(route.points) == 2  # fmt: skip


# --- boxes ------------------------------------------------------------------------------------------------


def _box(diagram: Diagram, box: Box, scale: _Scale) -> str:
    (left, top), (right, bottom) = scale.at(box.x, box.y), scale.at(box.right, box.bottom)
    radius = min((bottom - top) / 2, 18) if box.node.kind == "data" else 6
    role = ' role="button" tabindex="0"' if box.node.code else ' role="img"'
    number = diagram.step_of(box.node.id)
    badge = _badge(left, top, number) if number else ""
    return (
        f'<g class="node {box.node.kind}" data-node="{escape(box.node.id)}"{role}'
        f' aria-label="{escape(_spoken(diagram, box))}">'
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" height="{bottom - top:.1f}"'
        f' rx="{radius:g}"/>'
        f"{_texts(box, scale)}{_pictures(diagram, box, scale)}{badge}</g>"
    )


def _badge(x: float, y: float, number: int) -> str:
    return (
        f'<g class="badge"><circle cx="{x:.1f}" cy="{y:.1f}" r="{_BADGE:g}"/>'
        f'<text x="{x:.1f}" y="{y + 3.8:.1f}">{number}</text></g>'
    )


def _pictures(diagram: Diagram, box: Box, scale: _Scale) -> str:
    """What a trained network put into the box: from each step on that changes it, a group of its own."""
    pictures = diagram.worked.pictures.get(box.node.id, ()) if diagram.worked else ()
    corners = [scale.corner(*place) for place in box.tiles]
    end, _ = scale.corner(box.right - 1, 0)  # before the border and a blank
    return "".join(
        f'<g class="tile{" away" if i else ""}" data-first="{picture.first}">'
        f"{''.join(tiles.spread(picture.tiles, corners, end, scale.fit))}</g>"
        for i, picture in enumerate(pictures)
    )


def _texts(box: Box, scale: _Scale) -> str:
    (left, top), (right, bottom) = (
        scale.corner(box.words.x, box.words.y),
        scale.corner(box.words.x + box.words.width, box.words.y + box.words.height),
    )
    x, middle = (left + right) / 2, (top + bottom) / 2
    lines = [("name", line) for line in box.label] + [("shape", line) for line in box.shape]
    leading = _CELL_HEIGHT + 0.5
    top = middle - leading * (len(lines) - 1) / 2 + 4.5
    most = f' data-most="{right - left:.0f}"' if box.tiles else ""
    return "".join(
        f'<text class="{kind}" x="{x:.1f}" y="{top + leading * i:.1f}"{most}>{escape(line)}</text>'
        for i, (kind, line) in enumerate(lines)
    )


def _spoken(diagram: Diagram, box: Box) -> str:
    """What a screen reader says in place of the box and its arrows."""
    node, names = box.node, {name: other.label for name, other in diagram.nodes.items()}
    into = [_named(names[e.source], e) for e in diagram.edges if e.target == node.id]
    out = [_named(names[e.target], e) for e in diagram.edges if e.source == node.id]
    number = diagram.step_of(node.id)
    parts = [
        node.label,
        f"shape {node.shape}" if node.shape else "",
        f"from {', '.join(into)}" if into else "",
        f"to {', '.join(out)}" if out else "",
        f"step {number}" if number else "",
    ]
    return "; ".join(filter(None, parts))


def _named(other: str, edge: Edge) -> str:
    says = edge.label if edge.label != "gradient" else ""
    kind = "gradient" if edge.kind == "gradient" else says
    return f"{other} ({kind})" if kind else other


def _pair(ends: tuple[str, str]) -> str:
    return escape(f"{ends[0]}>{ends[1]}")


def _xy(point: Pixel) -> str:
    return f"{point[0]:.1f} {point[1]:.1f}"


def _distance(a: Pixel, b: Pixel) -> float:
    return abs(a[0] - b[0]) + abs(a[1] - b[1])


def _direction(a: Pixel, b: Pixel) -> Pixel:
    return float((b[0] > a[0]) - (b[0] < a[0])), float((b[1] > a[1]) - (b[1] < a[1]))
