"""Where everything of a diagram stands, in character cells; shared by all renderers.

A box stands on a grid of rows and half columns. Edges run down from row to row through the gutters between
them (gutters.py); what passes other rows does so in a free column or in a lane at the side (routing.py).
A renderer draws boxes, polylines, frames and labels where this module says.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from itertools import pairwise
from types import MappingProxyType

from atlas_cli.diagrams.grid.gutters import Gutter
from atlas_cli.diagrams.grid.insides import Area, Inside, Insides, Rooms
from atlas_cli.diagrams.grid.placed import Box, Frame, Label, Layout, Route, TooNarrowError
from atlas_cli.diagrams.grid.routing import Ends, Way, plan
from atlas_cli.diagrams.model import Diagram, Edge, Group, Node, Side

_GAPS = (9, 7, 5)  # characters between columns, the widest that fits; odd, as box widths are
_MARGIN = 2  # columns between a group's boxes and its frame
_LANE, _CLOSE_LANE = 3, 2  # columns from one lane to the next, without its label; the latter drawn close
_LANE_LABEL = 10  # longest line of a lane's label


def lay_out(diagram: Diagram, width: int, rooms: Rooms = MappingProxyType({}), close: bool = False) -> Layout:
    """Place a diagram within `width` columns.

    Args:
        diagram: What is placed.
        width: Columns.
        rooms: Of the pictures that a renderer will put into the boxes.
        close: Whether lanes stand close, so that boxes get what they leave.

    Raises:
        TooNarrowError: it does not fit.
        ValueError: an edge would have to cross a box.
    """
    return _Layouter(diagram, width, rooms, close).layout()


class _Layouter:
    """Places columns, then gutters, then rows, since each needs the one before."""

    def __init__(self, diagram: Diagram, width: int, rooms: Rooms, close: bool) -> None:
        self.diagram = diagram
        self.lane = _CLOSE_LANE if close else _LANE
        self.insides = Insides(diagram.nodes.values(), rooms)
        self.ways: Mapping[Ends, Way] = plan(diagram)
        self.first_col = min(node.col for node in diagram.nodes.values())
        self.rows = max(node.row for node in diagram.nodes.values()) + 1
        self._measure_lanes()
        self._measure_columns(width)
        self.stops = {edge.ends: self._stops(edge) for edge in diagram.edges if self._is_down(edge)}
        self._enter_boxes_apart()
        self.gutters = [self._gutter(row) for row in range(self.rows + 1)]
        self._place_rows()

    def layout(self) -> Layout:
        routes = tuple(self._route(edge) for edge in self.diagram.edges)
        return Layout(self.boxes, routes, tuple(self._frames(routes)), self.width, self.height)

    # --- columns --------------------------------------------------------------------------------------

    def _measure_lanes(self) -> None:
        """How far each lane lies from the boxes, its label included."""
        self.margins: dict[Side, int] = {}
        self.lane_offsets: dict[tuple[Side, int], int] = {}
        frame = _MARGIN if self.diagram.groups else 0
        for side in ("left", "right"):
            lanes = {way.lane: 0 for way in self.ways.values() if way.kind == "lane" and way.side == side}
            for edge in self.diagram.edges:
                way = self.ways[edge.ends]
                if way.kind == "lane" and way.side == side and edge.label:
                    lanes[way.lane] = max(lanes[way.lane], 1 + max(map(len, _lane_label(edge))))
            offset = frame
            for lane in sorted(lanes):
                offset += self.lane
                self.lane_offsets[side, lane] = offset
                offset += lanes[lane]
            self.margins[side] = offset + (1 if lanes else 0)

    def _measure_columns(self, width: int) -> None:
        nodes = self.diagram.nodes.values()
        half_columns = max(node.col for node in nodes) - self.first_col
        room = width - sum(self.margins.values())
        natural, narrowest = self.insides.natural, self.insides.narrowest
        for gap in self._gaps():
            widest = (2 * room - half_columns * gap) // (2 + half_columns)
            self.gap, self.box = gap, min(natural, widest - 1 + widest % 2)
            if self.box >= natural:
                break
        if self.box < narrowest:
            raise TooNarrowError(f"{self.diagram.name} needs more than {width} columns")
        self.width = sum(self.margins.values()) + self.box + half_columns * (self.box + self.gap) // 2

    def _gaps(self) -> list[int]:
        level = [edge.label for edge in self.diagram.edges if self.ways[edge.ends].kind == "level"]
        least = max((len(label) + 2 for label in level), default=0)
        return [gap for gap in _GAPS if gap >= least] or [least + 1 - least % 2]

    def _start(self, col: int) -> int:
        return self.margins["left"] + (col - self.first_col) * (self.box + self.gap) // 2

    def _centre(self, col: int) -> int:
        return self._start(col) + self.box // 2

    def _lane_x(self, way: Way) -> int:
        offset = self.lane_offsets[way.side, way.lane]
        if way.side == "left":
            return self.margins["left"] - offset
        return self.width - self.margins["right"] - 1 + offset

    # --- edges that run down --------------------------------------------------------------------------

    def _is_down(self, edge: Edge) -> bool:
        return self.ways[edge.ends].kind == "down"

    def _stops(self, edge: Edge) -> list[int]:
        """The columns in which an edge passes from gutter to gutter; the last one is where it enters."""
        source, target = self.diagram.nodes[edge.source], self.diagram.nodes[edge.target]
        corridor = self.ways[edge.ends].corridor
        between = [] if corridor is None else [self._centre(corridor)] * (target.row - source.row - 1)
        return [self._centre(source.col), *between, self._centre(target.col)]

    def _enter_boxes_apart(self) -> None:
        """Where several edges enter a box, each gets its own place on the upper border."""
        for name, node in self.diagram.nodes.items():
            into = sorted((ends for ends in self.stops if ends[1] == name), key=lambda e: self.stops[e][-2])
            ports = self._ports(node, [self.stops[e][-2] for e in into])
            for ends, x in zip(into, ports, strict=True):
                self.stops[ends][-1] = x
        for ends, stops in self.stops.items():
            if stops[-1] in self._departures(ends):  # another edge comes down there and turns away
                stops[-1] += 2 if stops[-2] > stops[-1] else -2

    def _departures(self, ends: Ends) -> set[int]:
        """The columns in which edges of other sources come into the gutter above the target of `ends`."""
        row = self.diagram.nodes[ends[1]].row
        return {
            stops[row - self.diagram.nodes[other[0]].row - 1]
            for other, stops in self.stops.items()
            if other[0] != ends[0]
            and self.diagram.nodes[other[0]].row < row <= self.diagram.nodes[other[1]].row
        }

    def _ports(self, node: Node, arrivals: list[int]) -> list[int]:
        """Straight down where an edge arrives above the box, else evenly spread; never closer than 4."""
        left = self._start(node.col)
        even = [left + (i + 1) * self.box // (len(arrivals) + 1) for i in range(len(arrivals))]
        inside = range(left + 2, left + self.box - 2)
        ports = [x if x in inside else spread for x, spread in zip(arrivals, even, strict=True)]
        crowded = any(b - a < 4 for a, b in pairwise(ports))
        return even if crowded else ports

    def _gutter(self, row: int) -> Gutter:
        """The gutter above a row."""
        spans = [self._group_rows(group) for group in self.diagram.groups]
        gutter = Gutter(
            arrows=0 < row < self.rows,
            frame_ends=any(last == row - 1 for _, last in spans),
            frame_begins=any(first == row for first, _ in spans),
        )
        wanted = []
        for edge in self.diagram.edges:
            if not self._is_down(edge):
                continue
            hop = row - self.diagram.nodes[edge.source].row - 1
            stops = self.stops[edge.ends]
            if 0 <= hop < len(stops) - 1:
                gutter.add(edge.source, stops[hop], stops[hop + 1])
            if hop == len(stops) - 2 and edge.label:
                wanted.append((edge.ends, stops[-1], edge.label))
        gutter.assign_tracks()
        gutter.place_labels(wanted, self._walls(), self.width)
        return gutter

    def _walls(self) -> frozenset[int]:
        lanes = {self._lane_x(way) for way in self.ways.values() if way.kind == "lane"}
        frames = {x for group in self.diagram.groups for x in self._group_columns(group)}
        return frozenset(lanes | frames)

    # --- rows -----------------------------------------------------------------------------------------

    def _place_rows(self) -> None:
        insides = {name: self.insides.fill(node, self.box) for name, node in self.diagram.nodes.items()}
        self.boxes: dict[str, Box] = {}
        y = 0
        for row in range(self.rows):
            y += self.gutters[row].height
            members = [node for node in self.diagram.nodes.values() if node.row == row]
            height = 2 + max((insides[node.id].height for node in members), default=0)
            for node in members:
                self.boxes[node.id] = _box(
                    node, Area(self._start(node.col), y, self.box, height), insides[node.id]
                )
            y += height
        self.height = y + self.gutters[self.rows].height

    def _group_rows(self, group: Group) -> tuple[int, int]:
        rows = [self.diagram.nodes[name].row for name in group.nodes]
        return min(rows), max(rows)

    def _group_columns(self, group: Group) -> tuple[int, int]:
        starts = [self._start(self.diagram.nodes[name].col) for name in group.nodes]
        return min(starts) - _MARGIN, max(starts) + self.box - 1 + _MARGIN

    def _frames(self, routes: tuple[Route, ...]) -> Iterator[Frame]:
        for group in self.diagram.groups:
            left, right = self._group_columns(group)
            top = min(self.boxes[name].y for name in group.nodes) - 2
            bottom = max(self.boxes[name].bottom for name in group.nodes) + 1
            title = _title(group.label, range(left + 2, right - 1), (top, bottom), routes)
            yield Frame(group, left, top, right - left + 1, bottom - top + 1, title)

    # --- polylines ------------------------------------------------------------------------------------

    def _route(self, edge: Edge) -> Route:
        kind = self.ways[edge.ends].kind
        if kind == "down":
            return self._down(edge)
        return self._level(edge) if kind == "level" else self._lane(edge)

    def _down(self, edge: Edge) -> Route:
        source, target = self.boxes[edge.source], self.boxes[edge.target]
        stops = self.stops[edge.ends]
        points = [(stops[0], source.bottom)]
        for hop, (x, next_x) in enumerate(pairwise(stops)):
            if x != next_x:
                y = self._track_y(source.node.row + 1 + hop, (edge.source, x))
                points += [(x, y), (next_x, y)]
        points.append((stops[-1], target.y - 1))
        placed = self.gutters[target.node.row].labels.get(edge.ends)
        if placed is None:
            return Route(edge, tuple(points), None)
        x, row = placed
        above_frame = row > 0 and self.gutters[target.node.row].frame_begins
        return Route(edge, tuple(points), Label(x, target.y - 1 - row - above_frame, (edge.label,)))

    def _track_y(self, row: int, net: tuple[str, int]) -> int:
        gutter = self.gutters[row]
        top = next(box.y for box in self.boxes.values() if box.node.row == row) - gutter.height
        return top + gutter.frame_ends + gutter.tracks[net]

    def _level(self, edge: Edge) -> Route:
        source, target = self.boxes[edge.source], self.boxes[edge.target]
        there = (edge.target, edge.source) in self.ways and edge.source > edge.target
        y = source.y + (source.height - 1) // 2 + there  # the way back runs one line lower
        rightward = source.x < target.x
        start, end = (source.right, target.x - 1) if rightward else (source.x, target.right + 1)
        label = None
        if edge.label:
            middle = (min(start, end) + max(start, end) - len(edge.label) + 1) // 2
            label = Label(middle, y - 1, (edge.label,))
        return Route(edge, ((start, y), (end, y)), label)

    def _lane(self, edge: Edge) -> Route:
        way = self.ways[edge.ends]
        source, target = self.boxes[edge.source], self.boxes[edge.target]
        x = self._lane_x(way)
        start, end = (source.x, target.x - 1) if way.side == "left" else (source.right, target.right + 1)
        y1, y2 = self._side_port(edge, source), self._side_port(edge, target)
        points = ((start, y1), (x, y1), (x, y2), (end, y2))
        if not edge.label:
            return Route(edge, points, None)
        lines = _lane_label(edge)
        label_x = x + 2 if way.side == "right" else x - 1 - max(map(len, lines))
        return Route(edge, points, Label(label_x, (y1 + y2 - len(lines) + 1) // 2, lines))

    def _side_port(self, edge: Edge, box: Box) -> int:
        """The line of a box's side at which a lane begins or ends; several share the side in order."""
        way = self.ways[edge.ends]
        mates = [
            ends for ends, other in self.ways.items()
            if other.kind == "lane" and other.side == way.side and box.node.id in ends
        ]  # fmt: skip
        mates.sort(key=lambda ends: min(self.boxes[end].y for end in ends if end != box.node.id))
        place = (box.height - len(mates) + 1) // 2 + mates.index(edge.ends)
        return box.y + min(max(place, 1), box.height - 2)


def _title(label: str, columns: range, borders: tuple[int, int], routes: tuple[Route, ...]) -> Label:
    """The title of a frame on its upper border, else its lower one, where no edge runs through it."""
    text = f" {label} "
    for y in borders:
        crossed = {
            x1
            for route in routes
            for (x1, y1), (_, y2) in pairwise(route.points)
            if min(y1, y2) <= y <= max(y1, y2)
        }
        for x in range(columns.start, columns.stop - len(text) + 1):
            if not crossed.intersection(range(x, x + len(text))):
                return Label(x, y, (text,))
    return Label(columns.start, borders[0], (text[: len(columns)],))


def _box(node: Node, area: Area, inside: Inside) -> Box:
    """A box as high as its row, what it holds in the middle."""
    left, top = area.x + 2, area.y + 1 + (area.height - 2 - inside.height) // 2
    words = inside.words
    placed = Area(left + words.x, top + words.y, words.width, words.height)
    tiles = tuple((left + x, top + y) for x, y in inside.tiles)
    return Box(node, *area, inside.label, inside.shape, placed, tiles)


def _lane_label(edge: Edge) -> tuple[str, ...]:
    return tuple(textwrap.wrap(edge.label, _LANE_LABEL))
