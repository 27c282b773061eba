"""Layout: nothing overlaps, nothing is crossed, every arrow arrives, in shipped diagrams and random ones."""

from __future__ import annotations

import random
from itertools import combinations, pairwise

import pytest

from atlas_cli import catalog
from atlas_cli.diagrams import blocks
from atlas_cli.diagrams.grid.layout import lay_out
from atlas_cli.diagrams.grid.placed import Layout, TooNarrowError
from atlas_cli.diagrams.model import Diagram, Edge, Group, Node, Step

EVERY = [diagram for family in catalog.families() for diagram in blocks.diagrams_of(family)]
Cell = tuple[int, int]


def diagram(nodes: dict[str, tuple[int, int]], edges: list[Edge], groups: tuple[Group, ...] = ()) -> Diagram:
    """A diagram of boxes at (row, half column)."""
    built = {
        name: Node(name, f"box {name}", "(B, D)", "", "op", row, col) for name, (row, col) in nodes.items()
    }
    step = Step("Look.", frozenset(nodes), frozenset(edge.ends for edge in edges))
    return Diagram("drawn", "ssm", ("mamba",), "Drawn", built, tuple(edges), groups, (step,), "Why?")


def any_diagram(seed: int) -> Diagram:
    """Rows of one to three boxes with edges downwards, mostly to the next row."""
    draw = random.Random(seed)
    rows = [draw.choice([[0], [0, 2], [0, 2, 4], [1], [1, 3], [0, 4]]) for _ in range(draw.randint(2, 5))]
    nodes = {f"n{row}{col}": (row, col) for row, cols in enumerate(rows) for col in cols}
    pairs = [(a, b) for a, b in combinations(nodes, 2) if nodes[a][0] < nodes[b][0]]
    near = [pair for pair in pairs if nodes[pair[1]][0] == nodes[pair[0]][0] + 1]
    far = [pair for pair in pairs if pair not in near]
    chosen = draw.sample(near, min(len(near), 5)) + draw.sample(far, min(len(far), 1))
    return diagram(nodes, [Edge(a, b, draw.choice(["", "x", "x_t"])) for a, b in chosen])


def cells(route_points: tuple[Cell, ...]) -> list[Cell]:
    """Every character that a polyline runs through."""
    found = [route_points[0]]
    for (x1, y1), (x2, y2) in pairwise(route_points):
        assert x1 == x2 or y1 == y2, "a slanting line"
        steps = max(abs(x2 - x1), abs(y2 - y1))
        found += [(x1 + (x2 - x1) * i // steps, y1 + (y2 - y1) * i // steps) for i in range(1, steps + 1)]
    return found


def inside(layout: Layout) -> dict[Cell, str]:
    """The characters that boxes cover, borders included; no two cover the same."""
    covered: dict[Cell, str] = {}
    for name, box in layout.boxes.items():
        for x in range(box.x, box.right + 1):
            for y in range(box.y, box.bottom + 1):
                assert (x, y) not in covered, f"{name} overlaps {covered.get((x, y))}"
                covered[x, y] = name
    return covered


def labels(layout: Layout) -> list[tuple[Edge, Cell]]:
    return [
        (route.edge, (route.label.x + i, route.label.y + j))
        for route in layout.routes if route.label
        for j, line in enumerate(route.label.lines) for i in range(len(line))
    ]  # fmt: skip


def check(layout: Layout, titles: bool = True) -> None:
    covered = inside(layout)
    lines: dict[Cell, set[str]] = {}
    for route in layout.routes:
        run = cells(route.points)
        assert covered[run[0]] == route.edge.source
        crossed = {covered[cell] for cell in run[1:] if cell in covered}
        assert not crossed, f"{route.edge.ends} runs through {crossed}"
        x, y = run[-1]
        beside = {covered.get(near) for near in ((x, y + 1), (x, y - 1), (x + 1, y), (x - 1, y))}
        assert route.edge.target in beside, f"{route.edge.ends} ends before {beside}"
        for cell in run[1:]:
            lines.setdefault(cell, set()).add(route.edge.source)
    written = labels(layout)
    assert len({cell for _, cell in written}) == len(written), "two labels on one place"
    for edge, cell in written:
        assert cell not in covered, f"the label of {edge.ends} is on {covered.get(cell)}"
        assert cell not in lines, f"the label of {edge.ends} is on a line from {lines.get(cell)}"
    for frame in layout.frames:
        title = {(frame.title.x + i, frame.title.y) for i in range(len(frame.title.lines[0]))}
        assert frame.title.lines[0] == f" {frame.group.label} "
        assert not (titles and title & lines.keys()), f"an edge runs through the title of {frame.group.label}"
    every = [*covered, *lines, *(cell for _, cell in written)]
    assert all(0 <= x < layout.width and 0 <= y < layout.height for x, y in every)


@pytest.mark.parametrize("width", range(76, 141, 8))
@pytest.mark.parametrize("drawn", EVERY, ids=lambda drawn: drawn.name)
def test_every_diagram_of_the_atlas_is_clean(drawn: Diagram, width: int):
    layout = lay_out(drawn, width)
    check(layout)
    assert layout.width <= width
    assert [route.edge for route in layout.routes if route.edge.label and not route.label] == []


@pytest.mark.parametrize("drawn", EVERY, ids=lambda drawn: drawn.name)
def test_close_lanes_are_clean_and_leave_boxes_more(drawn: Diagram):
    """A phone's drawing: lanes took half of the width."""
    widths = range(39, 100)  # that of a phone, or as many more as it needs
    layout = next(filter(None, (fitting(drawn, width, close=True) for width in widths)))
    check(layout, titles=False)  # on a page it is the arrow that is cut
    apart = fitting(drawn, layout.width, close=False)
    assert apart is None or min_width(apart) <= min_width(layout)


def fitting(drawn: Diagram, width: int, close: bool) -> Layout | None:
    try:
        return lay_out(drawn, width, close=close)
    except TooNarrowError:
        return None


def min_width(layout: Layout) -> int:
    return min(box.right - box.x for box in layout.boxes.values())


@pytest.mark.parametrize("seed", range(0, 150, 3))
def test_close_diagrams_drawn_at_random_are_clean(seed: int):
    try:
        layout = lay_out(any_diagram(seed), 100, close=True)
    except ValueError:
        return
    check(layout)


def laid_out(seed: int) -> Layout | None:
    """A random diagram's layout; None where an edge has no way, which its author would be told."""
    try:
        return lay_out(any_diagram(seed), 100)
    except ValueError:
        return None


@pytest.mark.parametrize("seed", range(150))
def test_diagrams_drawn_at_random_are_clean(seed: int):
    layout = laid_out(seed)
    if layout:
        check(layout)


def test_nearly_every_diagram_has_a_layout():
    assert sum(laid_out(seed) is None for seed in range(150)) <= 15


def test_lines_of_different_sources_never_run_along_each_other():
    for layout in filter(None, map(laid_out, range(150))):
        along: dict[tuple[Cell, Cell], str] = {}
        for route in layout.routes:
            for a, b in pairwise(cells(route.points)):
                assert along.setdefault((min(a, b), max(a, b)), route.edge.source) == route.edge.source


def test_a_source_straight_above_its_target_gets_a_straight_arrow():
    layout = lay_out(diagram({"a": (0, 0), "b": (1, 0)}, [Edge("a", "b")]), 80)
    (route,) = layout.routes
    assert len({x for x, _ in route.points}) == 1


def test_an_edge_in_a_row_is_level():
    layout = lay_out(diagram({"a": (0, 0), "b": (0, 2)}, [Edge("a", "b", "next"), Edge("b", "a")]), 80)
    assert len({y for route in layout.routes for _, y in route.points}) == 2
    check(layout)


def test_a_residual_passes_at_the_side():
    nodes = {"a": (0, 0), "b": (1, 0), "c": (2, 0)}
    edges = [
        Edge("a", "b"),
        Edge("b", "c"),
        Edge("a", "c", "residual", "skip"),
        Edge("c", "a", "back", "gradient"),
    ]
    layout = lay_out(diagram(nodes, edges), 80)
    check(layout)
    lefts = [min(x for x, _ in route.points) for route in layout.routes]
    assert lefts[2] < layout.boxes["a"].x <= min(lefts[0], lefts[3])


def test_nested_lanes_do_not_share_a_column():
    nodes = {name: (row, 0) for row, name in enumerate("abcd")}
    edges = [Edge("a", "d", "", "skip"), Edge("b", "c", "", "skip"), Edge("d", "a", "", "gradient", "left")]
    layout = lay_out(diagram(nodes, edges), 80)
    check(layout)
    assert len({min(x for x, _ in route.points) for route in layout.routes}) == 3


def test_an_edge_that_would_cross_a_box_is_refused():
    nodes = {"a": (0, 0), "b": (0, 2), "c": (0, 4), "d": (1, 0), "e": (1, 2), "f": (1, 4)}
    with pytest.raises(ValueError, match="b -> e has a box in its way on both sides"):
        lay_out(diagram(nodes, [Edge("b", "e", kind="skip")]), 100)


def test_too_narrow_is_an_error_and_narrow_wraps_the_text():
    drawn = diagram({"a": (0, 0), "b": (0, 2), "c": (1, 1)}, [Edge("a", "c"), Edge("b", "c")])
    with pytest.raises(TooNarrowError):
        lay_out(drawn, 12)
    check(lay_out(drawn, 24))


def test_frames_hold_their_boxes():
    group = (Group("the two", ("a", "c")),)
    layout = lay_out(
        diagram({"a": (0, 0), "b": (0, 2), "c": (1, 0)}, [Edge("a", "c"), Edge("b", "c")], group), 80
    )
    check(layout)
    (frame,) = layout.frames
    for name in ("a", "c"):
        box = layout.boxes[name]
        assert frame.x < box.x
        assert box.right < frame.right
        assert frame.y < box.y
        assert box.bottom < frame.bottom
    assert layout.boxes["b"].x > frame.right
