"""Which way each edge takes over the grid: level, down through the gutters, or along a lane at the side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from atlas_cli.diagrams.model import Diagram, Edge, Node, Side

Ends = tuple[str, str]
_OTHER: dict[Side, Side] = {"left": "right", "right": "left"}


class Way(NamedTuple):
    """How an edge runs.

    Attributes:
        kind: "level" to a neighbour in its row, "down" through the gutters, "lane" up or down at the side.
        corridor: Half column in which a "down" edge passes the rows between; None: there are none.
        side: Of the lane.
        lane: Its number, 0 next to the boxes.
    """

    kind: Literal["level", "down", "lane"]
    corridor: int | None = None
    side: Side = "left"
    lane: int = 0


def plan(diagram: Diagram) -> Mapping[Ends, Way]:
    """A way for every edge.

    Raises:
        ValueError: an edge would have to cross a box.
    """
    ways: dict[Ends, Way] = {}
    lanes: list[tuple[Edge, Side]] = []
    for edge in diagram.edges:
        source, target = diagram.nodes[edge.source], diagram.nodes[edge.target]
        if source.row == target.row and _neighbours(diagram, source, target):
            ways[edge.ends] = Way("level")
        elif edge.kind == "flow" and target.row == source.row + 1 and edge.side is None:
            ways[edge.ends] = Way("down")
        elif (corridor := _corridor(diagram, edge)) is not None:
            ways[edge.ends] = Way("down", corridor)
        else:
            lanes.append((edge, _side(diagram, edge)))
    ways.update(_lanes(diagram, lanes))
    return ways


def _neighbours(diagram: Diagram, a: Node, b: Node) -> bool:
    low, high = sorted((a.col, b.col))
    return not any(node.row == a.row and low < node.col < high for node in diagram.nodes.values())


def _corridor(diagram: Diagram, edge: Edge) -> int | None:
    """The half column nearest to both ends that is free in all rows between them."""
    source, target = diagram.nodes[edge.source], diagram.nodes[edge.target]
    if edge.kind != "flow" or edge.side is not None or target.row <= source.row + 1:
        return None
    between = {node.col for node in diagram.nodes.values() if source.row < node.row < target.row}
    every = [node.col for node in diagram.nodes.values()]
    free = [col for col in range(min(every), max(every) + 1) if col not in between]
    return min(
        free,
        key=lambda col: (abs(col - source.col) + abs(col - target.col), abs(col - source.col)),
        default=None,
    )


def _side(diagram: Diagram, edge: Edge) -> Side:
    """The side on which both ends stand outermost; residuals prefer the left, gradients the right."""
    wanted: Side = edge.side or ("right" if edge.kind == "gradient" else "left")
    for side in (wanted, _OTHER[wanted]):
        if all(_outermost(diagram, diagram.nodes[end], side) for end in edge.ends):
            return side
    raise ValueError(f"the edge {edge.source} -> {edge.target} has a box in its way on both sides")


def _outermost(diagram: Diagram, node: Node, side: Side) -> bool:
    cols = [other.col for other in diagram.nodes.values() if other.row == node.row]
    return node.col == (min(cols) if side == "left" else max(cols))


def _lanes(diagram: Diagram, edges: list[tuple[Edge, Side]]) -> dict[Ends, Way]:
    """Short ways next to the boxes, long ones farther out, so that lanes do not cross."""
    ways: dict[Ends, Way] = {}
    taken: list[tuple[Side, int, int, int]] = []  # side, first row, last row, lane
    spans = {edge.ends: sorted(diagram.nodes[end].row for end in edge.ends) for edge, _ in edges}
    for edge, side in sorted(edges, key=lambda e: spans[e[0].ends][1] - spans[e[0].ends][0]):
        top, bottom = spans[edge.ends]
        inner = [lane for s, first, last, lane in taken if s == side and first <= bottom and top <= last]
        lane = max(inner, default=-1) + 1
        taken.append((side, top, bottom, lane))
        ways[edge.ends] = Way("lane", side=side, lane=lane)
    return ways
