"""A panel that is drawn freely: lines, arrows, dots, areas and words on a plane.

It is for a picture that is neither a plot nor a map: nodes that are joined, an ellipse, strips under a curve.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from atlas_cli.diagrams.frames import Matrix, Panel, Plain, Range

Paths = Any  # sequences of points, given as arrays or sequences, held as tuples
Parts = Any  # a sequence of whole numbers or of sequences of them, held as tuples
Ticks = tuple[tuple[str, float], ...]  # a label, and where on the axis it stands
ShapeStyle = Literal["line", "dashed", "arrow", "dots", "area", "nodes", "full nodes"]


@dataclass(frozen=True, eq=False, repr=False)
class Shape(Plain):
    """Parts of a `Sketch` that mean the same and look alike.

    Attributes:
        label: What they are, for the legend; "": the picture says it.
        paths: Sequences of points. A "line" and a "dashed" one follow them, an "arrow" has its head at the
            end, an "area" is what they enclose; "dots" stand at every point, and so do "nodes", which
            have room for a note.
        hue: Number of its colour; None: that of what the others are seen on.
        parts: Of each path, and of dots and nodes of each point, its number among those that the sketch's
            `links` name, or the numbers of all that it is made of: it is lit where all of them are. Empty:
            it is no part.
    """

    label: str
    paths: Paths
    style: ShapeStyle = "line"
    hue: int | None = 0
    parts: Parts = ()
    kind: ClassVar[str] = "shape"

    def made_of(self, place: int) -> tuple[int, ...]:
        """The numbers of a part."""
        part = self.parts[place]
        return part if isinstance(part, tuple) else (part,)


@dataclass(frozen=True, eq=False, repr=False)
class Note(Plain):
    """A word or a number in the middle of a place; `side` "left" begins there, "right" ends there."""

    text: str
    x: float
    y: float
    side: Literal["middle", "left", "right"] = "middle"
    kind: ClassVar[str] = "note"


@dataclass(frozen=True, eq=False, repr=False)
class Sketch(Panel):
    """Shapes on a plane, the later ones on top, and notes above all of them.

    Attributes:
        range: x from, x to, y from, y to.
        ratio: Height to width of the drawing; with that of the ranges, both axes have one unit.
        axes: Whether the plane has axes with numbers.
        x_ticks: Names of places along the axis in place of numbers; empty: numbers.
        ground: Shades behind all, the first row at the top, over the whole of the plane; empty: none.
        low: The value of the weakest shade.
        high: The value of the strongest.
    """

    shapes: tuple[Shape, ...]
    range: Range
    notes: tuple[Note, ...] = ()
    ratio: float = 1.0
    x_label: str = ""
    y_label: str = ""
    axes: bool = True
    x_ticks: Ticks = ()
    y_ticks: Ticks = ()
    ground: Matrix = ()
    low: float = 0.0
    high: float = 1.0
    kind: ClassVar[str] = "sketch"
