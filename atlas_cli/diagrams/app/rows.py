"""A knob as text, and which of its values lies where, so that a mouse can point at one.

Nothing here knows of Textual.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from rich.cells import cell_len
from rich.text import Text

from atlas_cli.diagrams.frames import Knob
from atlas_cli.diagrams.text.panels import shown_value
from atlas_cli.screen.lines import Lines

_LONGEST_LABEL = 26  # columns
_LONGEST_TRACK = 61
_SHORTEST_TRACK = 6
_GAP = 2


class Spot(NamedTuple):
    """The columns `left` to `right` of line `y`, where the value of number `place` is."""

    y: int
    left: int
    right: int
    place: int


class Row(NamedTuple):
    """A knob as it is drawn."""

    lines: Lines
    spots: list[Spot]

    def place_at(self, x: int, y: int) -> int | None:
        """The value under a point; None: there is none."""
        return next((s.place for s in self.spots if s.y == y and s.left <= x <= s.right), None)

    def nearest(self, x: int, y: int) -> int:
        """The value nearest to a point, wherever that is: a hand that drags strays from its line."""
        line = min({spot.y for spot in self.spots}, key=lambda other: abs(other - y))
        return min(
            (s for s in self.spots if s.y == line), key=lambda s: max(s.left - x, x - s.right, 0)
        ).place


class Columns(NamedTuple):
    """Widths that all knobs of a diagram share, so that their tracks begin below one another."""

    label: int
    value: int
    first: int


def columns_of(knobs: Iterable[Knob]) -> Columns:
    """As wide as the widest label, value and first value; a very long label is cut."""
    knobs = list(knobs)
    sliders = [knob for knob in knobs if knob.kind != "choice"]
    return Columns(
        min(_LONGEST_LABEL, max(cell_len(knob.label) for knob in knobs)),
        max((cell_len(shown_value(knob, value)) for knob in sliders for value in knob.values), default=0),
        max((cell_len(_bare(knob, 0)) for knob in sliders), default=0),
    )


def row(knob: Knob, place: int, width: int, columns: Columns, focused: bool, plain: bool) -> Row:
    """A knob on one line, or on several where its names do not fit.

    Args:
        knob: Which one.
        place: Number of its value.
        width: Columns of the whole.
        columns: Widths of its parts.
        focused: Whether keys turn this one.
        plain: Draw in ASCII.
    """
    name = knob.label if cell_len(knob.label) <= columns.label else knob.label[: columns.label - 1] + "…"
    mark = (">" if plain else "▸") if focused else " "
    head = Text.assemble(
        (f"{mark} ", "atlas.mark"),
        (name.ljust(columns.label), "atlas.head" if focused else "atlas.accent"),
        " " * _GAP,
    )
    if knob.kind == "choice":
        return _choice(knob, place, width, head)
    return _slider(knob, place, width, columns, head, plain)


def track_length(values: int, room: int) -> int:
    """Columns of a track: as many as there are, with its values evenly spread where that can be."""
    room = max(_SHORTEST_TRACK, min(room, _LONGEST_TRACK))
    steps = max(1, values - 1)
    return (room - 1) // steps * steps + 1 if room > steps else room


def _slider(knob: Knob, place: int, width: int, columns: Columns, head: Text, plain: bool) -> Row:
    value = shown_value(knob, knob.values[place]).ljust(columns.value)
    first, last = _bare(knob, 0).rjust(columns.first), _bare(knob, -1)
    left = Text.assemble(head, (value, "atlas.mark"), " " * _GAP, (f"{first} ", "atlas.muted"))
    start, steps = cell_len(left.plain), max(1, len(knob.values) - 1)
    length = track_length(len(knob.values), width - start - cell_len(last) - 1)
    handle = round(place * (length - 1) / steps)
    before, after, sign = ("=", "-", "O") if plain else ("━", "─", "●")
    line = Text.assemble(
        left, (before * handle, "atlas.accent"), (sign, "atlas.mark"),
        (after * (length - 1 - handle), "atlas.muted"), (f" {last}", "atlas.muted"),
    )  # fmt: skip
    spots = [Spot(0, start + i, start + i, round(i * steps / (length - 1))) for i in range(length)]
    return Row([line], spots)


def _bare(knob: Knob, place: int) -> str:
    """A value without its unit."""
    return shown_value(knob, knob.values[place]).removesuffix(f" {knob.unit}")


def _choice(knob: Knob, place: int, width: int, head: Text) -> Row:
    start = x = cell_len(head.plain)
    lines, spots = [head], []
    for number, value in enumerate(knob.values):
        chosen = number == place
        text = f"[{value}]" if chosen else f" {value} "
        if x > start and x + cell_len(text) > width:
            lines.append(Text(" " * start))
            x = start
        lines[-1].append(text, "atlas.mark" if chosen else "atlas.muted").append(" ")
        spots.append(Spot(len(lines) - 1, x, x + cell_len(text) - 1, number))
        x += cell_len(text) + 1
    return Row(lines, spots)
