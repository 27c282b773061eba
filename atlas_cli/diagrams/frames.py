"""What an explorable is and what it shows: knobs, and a frame of panels for every setting of them.

Terminal, SVG and HTML draw from these; none of them knows what a panel is about. Panels take torch or numpy
arrays as well as nested sequences, and hold plain tuples rounded to four significant digits, so that a frame
can be compared, stored and sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Literal

from atlas_cli.diagrams.hands import Axis, Drag, Link, by_axis
from atlas_cli.diagrams.plain import Plain, jsonable, rounded, told
from atlas_cli.errors import UsageError

__all__ = ["Axis", "Drag", "Link", "Plain", "rounded", "told"]  # they stand here for who makes frames

Value = float | int | str
Range = tuple[float, float, float, float]  # x from, x to, y from, y to
Numbers = Any  # given as an array or a sequence, held as a tuple of floats
Matrix = Any  # the same in two dimensions or more
Points = Any  # the same, of pairs
KnobKind = Literal["slider", "choice", "play"]
LineStyle = Literal["line", "dashed", "points"]


@dataclass(frozen=True, eq=False, repr=False)
class Series(Plain):
    """One curve of a `Curves` panel."""

    label: str
    xs: Numbers
    ys: Numbers
    style: LineStyle = "line"
    kind: ClassVar[str] = "series"


@dataclass(frozen=True, eq=False, repr=False)
class Group(Plain):
    """The points of a `Scatter` panel that belong together; an order there is, is kept."""

    label: str
    points: Points
    kind: ClassVar[str] = "group"


@dataclass(frozen=True, eq=False, repr=False)
class Panel(Plain):
    """What a frame is made of: data under a title.

    Attributes:
        drag: The knobs that it turns when it is seized: the name of one that lies along x, the names of two
            that lie along x and y, or a `Drag`; held as a tuple of those. None: it is only looked at.
        links: What its parts are, likewise, as `Link`s. Bars with the same labels, and tokens with the same
            texts, are linked without a word of it.

    A subclass is a kind of panel. Each renderer has one table from kinds to what draws them: `PANELS` in
    text/panels.py, svg/panels.py and web/assets/scripts/panels.js.
    """

    title: str
    drag: Any = field(default=(), kw_only=True)
    links: Any = field(default=(), kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "drag", by_axis(Drag, self.drag))
        object.__setattr__(self, "links", by_axis(Link, self.links))
        super().__post_init__()


@dataclass(frozen=True, eq=False, repr=False)
class Heatmap(Panel):
    """A matrix as shades; the first row is at the top.

    Attributes:
        low: The value of the weakest shade; of a diverging map, of its one end.
        x_ticks: Labels spread evenly from the first column to the last; empty: none.
        diverging: The middle of low and high is neutral and both ends are strong.
        names: Of the values that cells have, where they stand for kinds and not for amounts.
    """

    rows: Matrix
    low: float
    high: float
    x_label: str = ""
    y_label: str = ""
    x_ticks: tuple[str, ...] = ()
    y_ticks: tuple[str, ...] = ()
    diverging: bool = False
    names: tuple[tuple[str, float], ...] = ()
    kind: ClassVar[str] = "heatmap"


@dataclass(frozen=True, eq=False, repr=False)
class Curves(Panel):
    """Functions of one variable; `marker` is an upright line at the x where the knob stands."""

    series: tuple[Series, ...]
    x_label: str = ""
    y_label: str = ""
    log_x: bool = False
    log_y: bool = False
    marker: float | None = None
    kind: ClassVar[str] = "curves"


@dataclass(frozen=True, eq=False, repr=False)
class Scatter(Panel):
    """Groups of points in the plane; `range` is x from, x to, y from, y to."""

    groups: tuple[Group, ...]
    range: Range
    kind: ClassVar[str] = "scatter"


@dataclass(frozen=True, eq=False, repr=False)
class Quiver(Panel):
    """Arrows in the plane, one from each point, as long as its vector in the units of `range`.

    A few of them may have names, one each.
    """

    points: Points
    vectors: Points
    range: Range
    names: tuple[str, ...] = ()
    kind: ClassVar[str] = "quiver"


@dataclass(frozen=True, eq=False, repr=False)
class Bars(Panel):
    """Labelled amounts from 0; `high` is the amount of a full bar."""

    labels: tuple[str, ...]
    values: Numbers
    high: float
    kind: ClassVar[str] = "bars"


@dataclass(frozen=True, eq=False, repr=False)
class Images(Panel):
    """Grey images in a grid of `columns`, 0 black to 1 white, each (H, W) with a caption or none at all."""

    images: tuple[Matrix, ...]
    columns: int
    captions: tuple[str, ...] = ()
    kind: ClassVar[str] = "images"


@dataclass(frozen=True, eq=False, repr=False)
class Tokens(Panel):
    """Pieces of text in reading order, each with a weight 0 to 1 and a note that says it in characters."""

    tokens: tuple[tuple[str, float, str], ...]
    kind: ClassVar[str] = "tokens"


@dataclass(frozen=True, eq=False, repr=False)
class Words(Panel):
    """Lines of text."""

    lines: tuple[str, ...]
    kind: ClassVar[str] = "words"


@dataclass(frozen=True, eq=False, repr=False)
class Frame(Plain):
    """What one setting of the knobs shows: rows of panels, what to look for, and figures by name."""

    panels: tuple[tuple[Panel, ...], ...]
    caption: str
    facts: dict[str, float | str]
    kind: ClassVar[str] = "frame"

    def __post_init__(self) -> None:
        object.__setattr__(self, "panels", tuple(tuple(row) for row in self.panels))
        object.__setattr__(self, "facts", {name: rounded(value) for name, value in self.facts.items()})


@dataclass(frozen=True, eq=False, repr=False)
class Knob(Plain):
    """What the reader turns: a finite list of values in order, one of them the default.

    Attributes:
        kind: "slider" for an amount, "choice" for names, "play" for a step that can run by itself.
        open: A choice that takes any other text as well: the reader's own.
    """

    name: str
    label: str
    values: tuple[Value, ...]
    default: Value
    kind: KnobKind  # type: ignore[misc]
    unit: str = ""
    open: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.default not in self.values:
            raise ValueError(f"the knob {self.name} does not reach its default {self.default}")

    def as_dict(self) -> dict[str, Any]:
        """What JSON can hold; its `kind` is "slider", "choice" or "play"."""
        return {part.name: jsonable(getattr(self, part.name)) for part in fields(self)}


@dataclass(frozen=True)
class Explorable:
    """A diagram that the reader turns: `compute` makes the frame of a setting, one argument a knob.

    Attributes:
        topics: Those that it explains; it stands on the page of the first.
        compute: None where only a trained run has something to show.
        from_run: The same from a trained system, which is its first argument.
        given: What its twin in the page's script must be told: draws, weights. A twin is a script of the same
            name beside its module.
        systems: Topics whose runs `from_run` takes.
        run: Name of the run that it is computed from, if any.
        fingerprint: What its frames depend on besides the code: the run's weights.
        heavy: Drawn with torch or by a clock; a page in the terminal names it, so that reading stays quick.
        place: Where it stands among those of its family; None: after all that have a place, by name.
        opens: Whether the page of its first topic opens with it; else the first in order does.
        plays: Whether a page plays it once, when it is first seen.
        network: Name of the pinned network with which a page computes its frames, for texts of the reader's
            own as well; "": the page holds them.
        packed: All its frames as a page has them, where they are kept and not computed.
        unpinned: The same without the pinned run that its frames are from.
    """

    name: str
    family: str
    topics: tuple[str, ...]
    title: str
    question: str
    knobs: tuple[Knob, ...]
    compute: Callable[..., Frame] | None
    from_run: Callable[..., Frame] | None = None
    given: Callable[[], dict[str, Any]] | None = None
    systems: tuple[str, ...] = ()
    run: str | None = None
    fingerprint: str = ""
    heavy: bool = False
    place: int | None = None
    opens: bool = False
    plays: bool = False
    network: str = ""
    packed: str = ""
    unpinned: Explorable | None = None

    @property
    def needs_run(self) -> bool:
        """Whether there is nothing to draw before something is trained."""
        return self.compute is None

    @property
    def defaults(self) -> dict[str, Value]:
        """The setting that is shown first."""
        return {knob.name: knob.default for knob in self.knobs}

    def frame(self, setting: Mapping[str, Value] | None = None) -> Frame:
        """The frame of a setting; knobs that it does not name stand at their defaults.

        Raises:
            UsageError: it needs a run and has none.
        """
        if self.compute is None:
            raise UsageError(
                f"{self.name} is drawn from a trained run of {' or '.join(self.systems)}",
                f"atlas diagram {self.topics[0]} {self.name} --run latest",
            )
        return self.compute(**{**self.defaults, **(setting or {})})

    def as_dict(self) -> dict[str, Any]:
        """What JSON can hold, without the frames."""
        return {
            "kind": "explorable",
            "name": self.name,
            "family": self.family,
            "topics": list(self.topics),
            "title": self.title,
            "question": self.question,
            "knobs": [knob.as_dict() for knob in self.knobs],
            "run": self.run,
        }
