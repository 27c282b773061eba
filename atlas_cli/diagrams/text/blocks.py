"""Stepped block diagrams in box-drawing characters.

Tensors have round corners, computations square ones. What a step is about gets a double border and heavy
arrows besides its colour, so that a step can be read without colour. The number in a box's border is the
step that first speaks of it.
"""

from __future__ import annotations

from typing import NamedTuple

from rich.text import Text

from atlas_cli.diagrams.grid.layout import Box, Frame, Layout, Route, TooNarrowError, lay_out
from atlas_cli.diagrams.model import Diagram, Step
from atlas_cli.diagrams.text.canvas import Canvas, Pen
from atlas_cli.screen.lines import Lines, hang, pairs, wrap
from atlas_cli.screen.terminal import TEXT_WIDTH, ascii_only

# Left corner, side, right corner, upright, the lower corners, the side where an edge leaves.
_BORDERS = {"op": [*"┌─┐│└┘┬"], "data": [*"╭─╮│╰╯┬"], "lit": [*"╔═╗║╚╝╤"]}
_ASCII_BORDERS = {"op": [*"+-+|+++"], "data": [*".-.|''+"], "lit": [*"#=#####"]}
_BORDER_STYLES = {"op": "atlas.accent", "data": "atlas.muted"}
_HEADS = {(0, 1): "▼", (1, 0): "▶", (-1, 0): "◀", (0, -1): "▲"}
_ASCII_HEADS = {(0, 1): "v", (1, 0): ">", (-1, 0): "<", (0, -1): "^"}
_EDGE_STYLES = {"flow": "atlas.muted", "skip": "atlas.muted", "gradient": "atlas.keyword"}


def picture(diagram: Diagram, width: int, step: int | None = None, plain: bool = False) -> Lines:
    """The drawing alone, line by line.

    Args:
        diagram: What to draw.
        width: Columns to draw it in; narrower than it can be drawn, its edges are listed instead.
        step: Number of the step to light; None lights nothing.
        plain: Draw in ASCII.
    """
    try:
        layout = lay_out(diagram, width)
    except TooNarrowError:
        return _outline(diagram, width)
    lit = diagram.steps[step - 1] if step else None
    return _Painter(diagram, layout, lit, plain).paint()


def drawing(diagram: Diagram, width: int, step: int | None = None) -> Lines:
    """The drawing with its sentences: all of them, or that of one step."""
    title = wrap(Text(diagram.title, "atlas.head"), width)
    said = caption(diagram, step, width) if step else sentences(diagram, width)
    return [*title, Text(), *picture(diagram, width, step, ascii_only()), Text(), *said]


def caption(diagram: Diagram, step: int, width: int) -> Lines:
    """The sentence of one step, with its place among the others."""
    mark = Text(f"▶ {step}/{len(diagram.steps)}", "atlas.mark")
    return pairs([(mark, Text(diagram.steps[step - 1].say))], min(width, TEXT_WIDTH))


def sentences(diagram: Diagram, width: int) -> Lines:
    """All sentences, numbered as in the drawing, and the question that it leaves open."""
    width = min(width, TEXT_WIDTH)
    said = [(Text(str(i), "atlas.mark"), Text(step.say)) for i, step in enumerate(diagram.steps, start=1)]
    asked = [(Text("?", "atlas.mark"), Text(diagram.question, "italic"))]
    return [*pairs(said, width), Text(), *pairs(asked, width)]


def as_text(diagram: Diagram, width: int = 80) -> str:
    """The drawing and its sentences without colour, for Markdown and for scripts."""
    lines = [line.plain for line in picture(diagram, width)]
    lines += ["", *(f"{number}. {step.say}" for number, step in enumerate(diagram.steps, start=1))]
    return "\n".join([*lines, "", diagram.question])


def frame(diagram: Diagram, width: int, step: int, height: int) -> Lines:
    """One frame of the animation in at most `height` lines: of a tall drawing, where the step is."""
    numbers = range(1, len(diagram.steps) + 1)
    below = max(len(caption(diagram, number, width)) for number in numbers)  # the same for all: nothing jumps
    lines = picture(diagram, width, step, ascii_only())
    lines = _window(lines, diagram, width, step, max(height - below - 3, 5))
    return [Text(diagram.title, "atlas.head"), Text(), *lines, Text(), *caption(diagram, step, width)]


def _window(lines: Lines, diagram: Diagram, width: int, step: int, height: int) -> Lines:
    if len(lines) <= height:
        return lines
    try:
        boxes = lay_out(diagram, width).boxes
    except TooNarrowError:
        return lines[:height]
    lit = [boxes[name] for name in diagram.steps[step - 1].nodes]
    first, last = (min(b.y for b in lit), max(b.bottom for b in lit)) if lit else (0, 0)
    wished = (first + last - height) // 2 if last - first < height else first  # too tall: from its beginning
    top = max(0, min(wished, len(lines) - height))
    return lines[top : top + height]


def _outline(diagram: Diagram, width: int) -> Lines:
    """For a terminal too narrow to draw in: what flows into what."""
    lines: Lines = []
    for node in diagram.nodes.values():
        shape = f"  {node.shape}" if node.shape else ""
        lines += wrap(Text.assemble((node.label, "bold"), (shape, "atlas.muted")), width)
        for edge in diagram.edges:
            if edge.source == node.id:
                label = f" ({edge.label})" if edge.label else ""
                target = Text(f"{diagram.nodes[edge.target].label}{label}")
                lines += hang(Text("  →", "atlas.muted"), wrap(target, width - 4), 4)
    return lines


class _Painter(NamedTuple):
    diagram: Diagram
    layout: Layout
    lit: Step | None
    plain: bool

    def paint(self) -> Lines:
        canvas = Canvas(self.plain)
        for frame in self.layout.frames:
            self._frame(canvas, frame)
        for route in sorted(self.layout.routes, key=self._is_lit):  # what is lit is drawn over what is not
            self._edge(canvas, route)
        for box in self.layout.boxes.values():
            self._box(canvas, box)
        for route in self.layout.routes:
            self._ends(canvas, route)
        return canvas.rows()

    def _is_lit(self, route: Route) -> bool:
        return self.lit is not None and route.edge.ends in self.lit.edges

    def _frame(self, canvas: Canvas, frame: Frame) -> None:
        left, right, top, bottom = frame.x, frame.right, frame.y, frame.bottom
        corners = ((left, top), (right, top), (right, bottom), (left, bottom), (left, top))
        canvas.line(corners, f"frame {frame.group.label}", Pen("atlas.muted", dashed=True, behind=True))
        canvas.put(frame.title.x, frame.title.y, frame.title.lines[0], "atlas.muted")

    def _edge(self, canvas: Canvas, route: Route) -> None:
        lit = self._is_lit(route)
        style = "atlas.mark" if lit else _EDGE_STYLES[route.edge.kind]
        net = f"{route.edge.source} {route.edge.kind}"
        canvas.line(route.points, net, Pen(style, heavy=lit, dashed=route.edge.kind == "gradient"))

    def _ends(self, canvas: Canvas, route: Route) -> None:
        """The arrowhead and the label."""
        (x1, y1), (x2, y2) = route.points[-2:]
        style = "atlas.mark" if self._is_lit(route) else _EDGE_STYLES[route.edge.kind]
        heads = _ASCII_HEADS if self.plain else _HEADS
        canvas.put(x2, y2, heads[(x2 > x1) - (x2 < x1), (y2 > y1) - (y2 < y1)], style)
        if route.label:
            label_style = "atlas.mark" if self._is_lit(route) else "italic"
            for i, line in enumerate(route.label.lines):
                canvas.put(route.label.x, route.label.y + i, line, label_style)

    def _box(self, canvas: Canvas, box: Box) -> None:
        lit = self.lit is not None and box.node.id in self.lit.nodes
        borders = (_ASCII_BORDERS if self.plain else _BORDERS)["lit" if lit else box.node.kind]
        style = "atlas.mark" if lit else _BORDER_STYLES[box.node.kind]
        top_left, flat, top_right, upright, bottom_left, bottom_right, exit_below = borders
        inner = box.width - 2
        canvas.put(box.x, box.y, top_left + flat * inner + top_right, style)
        for y in range(box.y + 1, box.bottom):
            canvas.put(box.x, y, upright, style)
            canvas.put(box.x + 1, y, " " * inner)
            canvas.put(box.right, y, upright, style)
        canvas.put(box.x, box.bottom, bottom_left + flat * inner + bottom_right, style)
        if any(route.points[0] == (box.centre, box.bottom) for route in self.layout.routes):
            canvas.put(box.centre, box.bottom, exit_below, style)
        if number := self.diagram.step_of(box.node.id):
            canvas.put(box.x + 2, box.y, f" {number} ", style if lit else "atlas.muted")
        self._text(canvas, box, lit)

    def _text(self, canvas: Canvas, box: Box, lit: bool) -> None:
        lines = [(line, "atlas.mark" if lit else "bold") for line in box.label]
        lines += [(line, "atlas.muted") for line in box.shape]
        top = box.y + 1 + (box.height - 2 - len(lines)) // 2
        for i, (line, style) in enumerate(lines):
            canvas.put(box.x + 1 + (box.width - 2 - len(line)) // 2, top + i, line, style)
