"""The space between two rows of boxes: tracks for edges that change column, and room for labels."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import NamedTuple

_MOST_NETS = 5  # orders of up to this many are all tried; 5! = 120
Key = tuple[str, int]  # source, x where the net enters from above


class Net(NamedTuple):
    """What one source sends down through a gutter: in at `top`, out at each of `bottoms`."""

    source: str
    top: int
    bottoms: list[int]

    @property
    def key(self) -> Key:
        return self.source, self.top

    @property
    def low(self) -> int:
        return min(self.top, *self.bottoms)

    @property
    def high(self) -> int:
        return max(self.top, *self.bottoms)

    @property
    def straight(self) -> bool:
        return self.low == self.high


class Gutter:
    """One gutter, from above: a frame's lower border, tracks, labels, a frame's upper border, arrowheads.

    Attributes:
        tracks: Track of each net that is not straight, 0 uppermost.
        label_rows: Rows for labels that have no room beside their arrowhead.
        labels: For each edge, x and row of its label; row 0 is beside the arrowhead, 1 the lowest label row.
    """

    def __init__(self, arrows: bool, frame_ends: bool, frame_begins: bool) -> None:
        self.arrows, self.frame_ends, self.frame_begins = arrows, frame_ends, frame_begins
        self.nets: dict[Key, Net] = {}
        self.tracks: dict[Key, int] = {}
        self.labels: dict[tuple[str, str], tuple[int, int]] = {}
        self.label_rows = 0

    @property
    def height(self) -> int:
        frames = self.frame_ends + self.frame_begins
        arrows = self.arrows or self.frame_begins
        return frames + len(set(self.tracks.values())) + self.label_rows + arrows

    def add(self, source: str, top: int, bottom: int) -> None:
        """Let an edge of `source` pass from `top` to `bottom`."""
        net = self.nets.setdefault((source, top), Net(source, top, []))
        if bottom not in net.bottoms:
            net.bottoms.append(bottom)

    def assign_tracks(self) -> None:
        """Give every net that changes column a track, with as few crossings as there can be."""
        bent = [net for net in self.nets.values() if not net.straight]
        orders = permutations(bent) if len(bent) <= _MOST_NETS else [sorted(bent, key=lambda net: net.top)]
        self.tracks = min(map(_pack, orders), key=lambda tracks: _cost(list(self.nets.values()), tracks))

    def place_labels(
        self, wanted: Sequence[tuple[tuple[str, str], int, str]], walls: frozenset[int], width: int
    ) -> None:
        """Find room for labels beside the arrows that enter the boxes below.

        Args:
            wanted: For each label its edge, the x of the arrow, the text.
            walls: Columns that something else runs down.
            width: Columns of the whole drawing.
        """
        blocked = walls | {x for net in self.nets.values() for x in net.bottoms}
        taken: dict[int, set[int]] = {}
        for ends, x, text in wanted:
            for row in range(3):
                start = _free_start(x, len(text), blocked | taken.get(row, set()), width)
                if start is not None:
                    taken.setdefault(row, set()).update(range(start - 1, start + len(text) + 1))
                    self.labels[ends] = start, row
                    self.label_rows = max(self.label_rows, row)
                    break


def _free_start(x: int, length: int, blocked: set[int] | frozenset[int], width: int) -> int | None:
    """Where a label may begin: right of the arrow at x, else left of it."""
    for start in (x + 2, x - 1 - length):
        cells = range(start - 1 if start > x else start, start + length + (start > x))
        if start >= 0 and start + length <= width and not (blocked - {x}).intersection(cells):
            return start
    return None


def _pack(order: Sequence[Net]) -> dict[Key, int]:
    """Each net on the highest track below all earlier nets that it overlaps."""
    tracks: dict[Key, int] = {}
    for i, net in enumerate(order):
        above = [
            tracks[other.key]
            for other in order[:i]
            if other.low - 1 <= net.high and net.low <= other.high + 1
        ]
        tracks[net.key] = max(above, default=-1) + 1
    return tracks


def _cost(nets: Sequence[Net], tracks: dict[Key, int]) -> tuple[int, int, int]:
    """Collisions first, then crossings, then height."""
    collisions = crossings = 0
    for net in nets:
        if net.key not in tracks:
            continue
        for other in nets:
            if other is net:
                continue
            for x in _verticals(other, tracks, tracks[net.key]):
                collisions += x in (net.low, net.high) or x in net.bottoms or x == net.top
                crossings += net.low < x < net.high
    return collisions, crossings, len(set(tracks.values()))


def _verticals(net: Net, tracks: dict[Key, int], track: int) -> list[int]:
    """The columns in which a net runs down through a track of another net."""
    own = tracks.get(net.key)
    if own is None:
        return [net.top]
    if own == track:
        return []
    return [net.top] if own > track else net.bottoms
