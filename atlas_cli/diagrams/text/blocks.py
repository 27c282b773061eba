"""Stepped block diagrams in box-drawing characters.

Tensors have round corners, computations square ones. What a step is about gets a double border and heavy
arrows besides its colour, so that a step can be read without colour. The number in a box's border is the
step that first speaks of it.
"""

from __future__ import annotations

from typing import NamedTuple

from rich.text import Text

from atlas_cli.diagrams.grid.layout import lay_out
from atlas_cli.diagrams.grid.placed import Box, Frame, Layout, Route, TooNarrowError
from atlas_cli.diagrams.model import Diagram, Step
from atlas_cli.diagrams.text import tiles
from atlas_cli.diagrams.text.canvas import Canvas, Pen
from atlas_cli.diagrams.text.stack import stack
from atlas_cli.diagrams.text.tiles import Ink
from atlas_cli.screen.lines import Lines, hang, pairs, wrap
from atlas_cli.screen.terminal import TEXT_WIDTH, ascii_only

# Left corner, side, right corner, upright, the lower corners, the side where an edge leaves.
_BORDERS = {"op": [*"┌─┐│└┘┬"], "data": [*"╭─╮│╰╯┬"], "lit": [*"╔═╗║╚╝╤"], "absent": [*"┌╌┐┊└┘┬"]}
_ASCII_BORDERS = {"op": [*"+-+|+++"], "data": [*".-.|''+"], "lit": [*"#=#####"], "absent": [*".~.:..."]}
_BORDER_STYLES = {"op": "atlas.accent", "data": "atlas.muted", "absent": "atlas.muted"}
_HEADS = {(0, 1): "▼", (1, 0): "▶", (-1, 0): "◀", (0, -1): "▲"}
_ASCII_HEADS = {(0, 1): "v", (1, 0): ">", (-1, 0): "<", (0, -1): "^"}
_EDGE_STYLES = {"flow": "atlas.muted", "skip": "atlas.muted", "gradient": "atlas.keyword"}


def place(diagram: Diagram, width: int) -> Layout:
    """Where everything stands in a terminal.

    Raises:
        TooNarrowError: it does not fit.
    """
    return lay_out(diagram, width, tiles.rooms(diagram))


def picture(diagram: Diagram, width: int, step: int | None = None, ink: Ink = Ink()) -> Lines:
    """The drawing alone, line by line.

    Args:
        diagram: What to draw.
        width: Columns to draw it in; narrower than it can be drawn, its edges are listed instead.
        step: Number of the step to light; None lights nothing.
        ink: What the terminal can show.
    """
    try:
        layout = place(diagram, width)
    except TooNarrowError:
        return _outline(diagram, width)
    return _Painter(diagram, layout, step, ink).paint()


def drawing(diagram: Diagram, width: int, step: int | None = None, colour: bool = False) -> Lines:
    """The drawing with its sentences: all of them, or that of one step."""
    title = wrap(Text(diagram.title, "atlas.head"), width)
    said = caption(diagram, step, width) if step else sentences(diagram, width)
    ink = Ink(ascii_only(), colour)
    drawn = [*stack(diagram, width, step, ink), *picture(diagram, width, step, ink)]
    return [*title, *source(diagram, width, ink), Text(), *drawn, Text(), *said]


def source(diagram: Diagram, width: int, ink: Ink) -> Lines:
    """Whose network filled the boxes, and with what, and the key to the shades; or nothing."""
    if diagram.worked is None or not _is_drawn(diagram, width):
        return []
    said = wrap(Text(diagram.worked.says, "atlas.muted"), min(width, TEXT_WIDTH))
    return [*said, tiles.key(ink)] if diagram.worked.signed else said


def _is_drawn(diagram: Diagram, width: int) -> bool:
    """Whether there is room for boxes."""
    try:
        place(diagram, width)
    except TooNarrowError:
        return False
    return True


def caption(diagram: Diagram, step: int, width: int) -> Lines:
    """The sentence of one step, with its place among the others."""
    mark = Text(f"▶ {step}/{len(diagram.steps)}", "atlas.mark")
    return pairs([(mark, _told(diagram, step))], min(width, TEXT_WIDTH))


def _told(diagram: Diagram, step: int) -> Text:
    """A step's sentence, and what is to be seen in the boxes."""
    seen = diagram.worked.seen.get(step) if diagram.worked else None
    return Text.assemble(diagram.steps[step - 1].say, (f" {seen}" if seen else "", "atlas.code"))


def sentences(diagram: Diagram, width: int) -> Lines:
    """All sentences, numbered as in the drawing, and the question that it leaves open."""
    width = min(width, TEXT_WIDTH)
    said = [(Text(str(i), "atlas.mark"), _told(diagram, i)) for i in range(1, len(diagram.steps) + 1)]
    asked = [(Text("?", "atlas.mark"), Text(diagram.question, "italic"))]
    return [*pairs(said, width), Text(), *pairs(asked, width)]


def as_text(diagram: Diagram, width: int = 80) -> str:
    """The drawing and its sentences without colour, for Markdown and for scripts."""
    lines = [line.plain for line in (*stack(diagram, width, None, Ink()), *picture(diagram, width))]
    lines += ["", *(f"{i}. {_told(diagram, i).plain}" for i in range(1, len(diagram.steps) + 1))]
    lines = [diagram.worked.says, "", *lines] if diagram.worked else lines
    return "\n".join([*lines, "", diagram.question])


def frame(diagram: Diagram, width: int, step: int, height: int, colour: bool = False) -> Lines:
    """One frame of the animation in at most `height` lines: of a tall drawing, where the step is."""
    numbers = range(1, len(diagram.steps) + 1)
    below = max(len(caption(diagram, number, width)) for number in numbers)  # the same for all: nothing jumps
    ink = Ink(ascii_only(), colour)
    layers = stack(diagram, width, step, ink)  # always in sight
    lines = picture(diagram, width, step, ink)
    lines = _window(lines, diagram, width, step, max(height - below - 3 - len(layers), 5))
    return [
        Text(diagram.title, "atlas.head"),
        Text(),
        *layers,
        *lines,
        Text(),
        *caption(diagram, step, width),
    ]


def _window(lines: Lines, diagram: Diagram, width: int, step: int, height: int) -> Lines:
    if len(lines) <= height:
        return lines
    try:
        boxes = place(diagram, width).boxes
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
    step: int | None
    ink: Ink

    @property
    def lit(self) -> Step | None:
        return self.diagram.steps[self.step - 1] if self.step else None

    def paint(self) -> Lines:
        canvas = Canvas(self.ink.plain)
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
        heads = _ASCII_HEADS if self.ink.plain else _HEADS
        canvas.put(x2, y2, heads[(x2 > x1) - (x2 < x1), (y2 > y1) - (y2 < y1)], style)
        if route.label:
            label_style = "atlas.mark" if self._is_lit(route) else "italic"
            for i, line in enumerate(route.label.lines):
                canvas.put(route.label.x, route.label.y + i, line, label_style)

    def _box(self, canvas: Canvas, box: Box) -> None:
        lit = self.lit is not None and box.node.id in self.lit.nodes
        absent = box.node.id in self.diagram.absent(self.step)
        kind = "lit" if lit else "absent" if absent else box.node.kind
        borders = (_ASCII_BORDERS if self.ink.plain else _BORDERS)[kind]
        style = "atlas.mark" if lit else _BORDER_STYLES[kind]
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
        self._text(canvas, box, "atlas.mark" if lit else "atlas.muted" if absent else "bold")
        self._tiles(canvas, box)

    def _text(self, canvas: Canvas, box: Box, style: str) -> None:
        lines = [(line, style) for line in box.label]
        lines += [(line, "atlas.muted") for line in box.shape]
        x, y, width, height = box.words
        top = y + (height - len(lines)) // 2
        for i, (line, style) in enumerate(lines):
            canvas.put(x + (width - len(line)) // 2, top + i, line, style)

    def _tiles(self, canvas: Canvas, box: Box) -> None:
        shown = self.diagram.worked and self.diagram.worked.at(box.node.id, self.step)
        for tile, (x, y) in zip(shown.tiles if shown else (), box.tiles, strict=False):  # it may grow later
            tiles.paint(canvas, tile, x, y, self.ink)
