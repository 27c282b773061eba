"""A diagram in its place, in character cells: what the layout hands to the renderers."""

from __future__ import annotations

from typing import NamedTuple

from atlas_cli.diagrams.grid.insides import Area, Place
from atlas_cli.diagrams.model import Edge, Group, Node

Point = tuple[int, int]


class TooNarrowError(ValueError):
    """The diagram does not fit within the width asked for."""


class Box(NamedTuple):
    """A node in its place, with the lines of its label and of its shape.

    Attributes:
        words: Where these are centred.
        tiles: The upper left corners of the pictures in it.
    """

    node: Node
    x: int
    y: int
    width: int
    height: int
    label: tuple[str, ...]
    shape: tuple[str, ...]
    words: Area
    tiles: tuple[Place, ...] = ()

    @property
    def centre(self) -> int:
        return self.x + self.width // 2

    @property
    def right(self) -> int:
        return self.x + self.width - 1

    @property
    def bottom(self) -> int:
        return self.y + self.height - 1


class Label(NamedTuple):
    """Text of an edge, its first character at (x, y), further lines below."""

    x: int
    y: int
    lines: tuple[str, ...]


class Route(NamedTuple):
    """An edge as a polyline, from its source's border to the arrowhead in front of its target."""

    edge: Edge
    points: tuple[Point, ...]
    label: Label | None


class Frame(NamedTuple):
    """A group's frame; its title stands on a border, where no edge crosses it."""

    group: Group
    x: int
    y: int
    width: int
    height: int
    title: Label

    @property
    def right(self) -> int:
        return self.x + self.width - 1

    @property
    def bottom(self) -> int:
        return self.y + self.height - 1


class Layout(NamedTuple):
    """A diagram in its place."""

    boxes: dict[str, Box]
    routes: tuple[Route, ...]
    frames: tuple[Frame, ...]
    width: int
    height: int
