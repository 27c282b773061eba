"""What stands inside a box: its words and, beside or below them, small pictures; all in character cells.

Beside the words pictures begin at the same column in every box, so that what belongs together, a token's
column say, stands in line down the page. Where that leaves too little room, they stand below the words.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from atlas_cli.diagrams.model import Node

LONGEST_LINE = 26  # characters in a box before its text is wrapped
_LONGEST_BESIDE = 16  # the same beside pictures
_LEAST_BESIDE = 9  # characters that words beside pictures have at least
_GAP = 2  # between words and pictures, and between pictures
_PADDING = 2  # columns of border and blank at each side

Place = tuple[int, int]  # column, line


class Size(NamedTuple):
    """Of a picture, in columns and lines."""

    width: int
    height: int


class Area(NamedTuple):
    """A rectangle of character cells."""

    x: int
    y: int
    width: int
    height: int


Rooms = Mapping[str, tuple[Size, ...]]  # of the pictures in each box that has some


class Inside(NamedTuple):
    """What a box holds, counted from its inner upper left corner.

    Attributes:
        label: Lines of its name.
        shape: Lines of its shape.
        words: Where both are centred.
        tiles: The upper left corners of the pictures.
        height: Lines of all.
    """

    label: tuple[str, ...]
    shape: tuple[str, ...]
    words: Area
    tiles: tuple[Place, ...]
    height: int


class Insides:
    """How the boxes of one diagram are filled.

    Args:
        nodes: All boxes.
        rooms: Of the pictures in them.
    """

    def __init__(self, nodes: Iterable[Node], rooms: Rooms) -> None:
        self._nodes = list(nodes)
        self._rooms = {node.id: rooms[node.id] for node in self._nodes if rooms.get(node.id)}
        self._pictured = [node for node in self._nodes if node.id in self._rooms]
        self._widest = max((_in_a_row(sizes) for sizes in self._rooms.values()), default=0)
        self._tile = max((size.width for sizes in self._rooms.values() for size in sizes), default=0)

    @property
    def natural(self) -> int:
        """Columns that a box wants; odd."""
        words = 5 + _longest(self._nodes, LONGEST_LINE) // 2 * 2
        if not self._pictured:
            return words
        beside = self._wish + _GAP + self._widest
        return max(words, 5 + beside // 2 * 2)

    @property
    def narrowest(self) -> int:
        """Columns that a box needs."""
        return 2 * _PADDING + max(_longest_word(self._nodes), self._tile)

    def fill(self, node: Node, box: int) -> Inside:
        """The inside of a node's box of so many columns."""
        inner = box - 2 * _PADDING
        sizes = self._rooms.get(node.id)
        if not sizes:
            return _words_alone(node, inner)
        words = self._beside(inner)
        return _below(node, sizes, inner) if words is None else _beside(node, sizes, words, inner)

    @property
    def _wish(self) -> int:
        """Columns that words beside pictures would like."""
        return max(_LEAST_BESIDE, _longest(self._pictured, _LONGEST_BESIDE))

    def _beside(self, inner: int) -> int | None:
        """Columns of the words where pictures stand beside them; None: there is no room for both."""
        least = max(_LEAST_BESIDE, _longest_word(self._pictured))
        for pictures in (self._widest, self._tile):  # all in a row, else one below the other
            room = inner - _GAP - pictures
            if room >= least:
                return min(room, self._wish)
        return None


def _words_alone(node: Node, inner: int) -> Inside:
    label, shape = texts(node, inner)
    height = len(label) + len(shape)
    return Inside(label, shape, Area(0, 0, inner, height), (), height)


def _beside(node: Node, sizes: Sequence[Size], words: int, inner: int) -> Inside:
    label, shape = texts(node, words)
    start = words + _GAP
    places, (_, height) = _flow(sizes, inner - start)
    height = max(height, len(label) + len(shape))
    return Inside(label, shape, Area(0, 0, words, height), tuple((start + x, y) for x, y in places), height)


def _below(node: Node, sizes: Sequence[Size], inner: int) -> Inside:
    label, shape = texts(node, inner)
    lines = len(label) + len(shape)
    places, (width, height) = _flow(sizes, inner)
    start = (inner - width) // 2
    tiles = tuple((start + x, lines + y) for x, y in places)
    return Inside(label, shape, Area(0, 0, inner, lines), tiles, lines + height)


def _in_a_row(sizes: Sequence[Size]) -> int:
    return sum(size.width for size in sizes) + _GAP * (len(sizes) - 1)


def _flow(sizes: Sequence[Size], width: int) -> tuple[list[Place], Size]:
    """Pictures side by side, as many in a line as there is room for."""
    places: list[Place] = []
    x = y = deepest = widest = 0
    for size in sizes:
        if places and x + size.width > width:
            x, y = 0, deepest
        places.append((x, y))
        widest, deepest = max(widest, x + size.width), max(deepest, y + size.height)
        x += size.width + _GAP
    return places, Size(widest, deepest)


def texts(node: Node, width: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The lines of a node's name and of its shape."""
    label, shape = (tuple(textwrap.wrap(text, width)) for text in (node.label, node.shape))
    return label, shape


def _longest(nodes: Sequence[Node], width: int) -> int:
    return max(len(line) for node in nodes for lines in texts(node, width) for line in lines)


def _longest_word(nodes: Sequence[Node]) -> int:
    return max(len(word) for node in nodes for word in f"{node.label} {node.shape}".split())
