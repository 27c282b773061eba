"""What the characters of a panel are parts of, so that those that belong together can be lit together.

A character's style has under PART, in its meta, a `Part`. It looks as ever until it is lit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

from rich.style import Style
from rich.text import Text

from atlas_cli.diagrams.frames import Frame, Heatmap, Panel, told
from atlas_cli.diagrams.hands import Axis, links_of
from atlas_cli.screen.lines import Lines

PART = "part"  # in the meta of a style
LIT = "atlas.lit"


class Spot(NamedTuple):
    """Where a part lies along an axis: what it is one of, and its number, or all that it is made of."""

    axis: Axis
    name: str
    numbers: tuple[int, ...]


class Part(NamedTuple):
    """A part of a panel: the number of the panel, where the part lies, and what it says."""

    panel: int
    spots: tuple[Spot, ...]
    says: str = ""


def part_of(panel: Panel, number: int, places: dict[Axis, tuple[int, ...]], says: str = "") -> Part | None:
    """The part of a panel at places along its axes; None where nothing there has a name."""
    spots = tuple(
        Spot(link.axis, link.name, tuple(place + link.first for place in places[link.axis]))
        for link in links_of(panel)
        if link.axis in places
    )
    return Part(number, spots, says) if spots else None


def mark(line: Text, part: Part | None, start: int, end: int) -> None:
    """Let characters know what they are of."""
    if part is not None:
        line.stylize(_style(part), start, end)


@lru_cache(maxsize=8192)
def _style(part: Part) -> Style:
    return Style(meta={PART: part})


def cell_says(panel: Heatmap, row: int, column: int) -> str:
    """Where a cell is, and its value or the name of its kind."""
    value = panel.rows[row][column]
    named = next((name for name, at in panel.names if at == value), None)
    down = _placed(panel.y_label, panel.y_ticks, len(panel.rows), row)
    across = _placed(panel.x_label, panel.x_ticks, len(panel.rows[0]), column)
    return f"{down}, {across}: {named or told(float(value))}"


def _placed(label: str, ticks: tuple[str, ...], cells: int, i: int) -> str:
    """The name of a row or column: its own, or between the first and the last, or counted from 1."""
    if len(ticks) == cells:
        name = ticks[i].strip()
    else:
        try:
            low, high = float(ticks[0]), float(ticks[-1])
            name = told(low + (high - low) * i / max(1, cells - 1))
        except (ValueError, IndexError):
            name = str(i + 1)
    return f"{label} {name}".strip()


def shared(frame: Frame) -> set[str]:
    """Names of parts that can be lit: of more than one panel, or of the shapes of a sketch."""
    every = list(chain.from_iterable(frame.panels))
    count = Counter(link.name for panel in every for link in links_of(panel))
    own = {
        link.name for panel in every if any(shape.parts for shape in getattr(panel, "shapes", ()))
        for link in panel.links
    }  # fmt: skip
    return own | {name for name, often in count.items() if often > 1}


def belongs(part: Part, pointed: Part) -> bool:
    """Whether a part is lit where another is pointed at: all that it is made of is among that one's.

    A square matrix lights the row and the column of the cell that is pointed at, and not its mirror.
    """
    taken = {spot.axis for spot in pointed.spots} if part.panel == pointed.panel else set()
    return any(
        spot.name == other.name
        and {*spot.numbers} <= {*other.numbers}
        and (spot.axis == other.axis or spot.axis not in taken)
        for spot in part.spots
        for other in pointed.spots
    )


def parts_in(lines: Lines) -> Iterable[tuple[int, int, int, Part]]:
    """Line, first column, column after the last, and part of every marked piece of text."""
    for number, line in enumerate(lines):
        for start, end, style in line.spans:
            part = _known(style) if isinstance(style, Style) else None
            if part is not None:
                yield number, start, end, part


@lru_cache(maxsize=8192)
def _known(style: Style) -> Part | None:
    part: Part | None = style.meta.get(PART)  # taken out of its bytes at each call
    return part


def lit(lines: Lines, pointed: Part, names: set[str]) -> Lines:
    """The lines with all that belongs to a part in the light; none where its names are shared by nothing."""
    spots = tuple(spot for spot in pointed.spots if spot.name in names)
    wanted = pointed._replace(spots=spots)
    drawn = [line.copy() for line in lines]
    for number, start, end, part in parts_in(lines):
        if belongs(part, wanted):
            drawn[number].stylize(LIT, start, end)
    return drawn
