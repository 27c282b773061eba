"""What a training tells while it lasts, and the figures that follow from it: smoothed, a second, left."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Protocol

from atlas_cli.present.glimpse import Glimpse
from atlas_cli.recipe.model import Bar

CURVE_POINTS = 400
Curve = Sequence[tuple[int, float]]
SMOOTH = 0.95  # share of the past in a smoothed figure, a step


@dataclass(frozen=True)
class Training:
    """What is going to be trained.

    Attributes:
        title: What it is called.
        steps: How many steps it has.
        items_per_step: Items of `unit` that one step consumes.
        unit: What an item is called: "images", "tokens".
        claims: Bars by the names of the logged figures that they are for.
        history: Logged rows of the steps that were done before, where the training goes on.
        later_steps: Of a training that follows at this one's speed.
        later_seconds: What follows after all training takes, as an earlier run took; None: nobody knows.
    """

    title: str
    steps: int
    items_per_step: int
    unit: str
    claims: Mapping[str, Bar] = field(default_factory=dict)
    history: Sequence[Mapping[str, Any]] = ()
    later_steps: int = 0
    later_seconds: float | None = 0.0


class Progress(Protocol):
    """What the loop tells while it trains."""

    def update(self, step: int, metrics: dict[str, float], seconds: float) -> None:
        """The figures of the step just done, and the seconds spent training so far."""

    def glimpse(self, glimpse: Glimpse) -> None:
        """What the system makes by now."""


class Meter:
    """Figures of a training run as it goes: smoothed, speed over the last seconds, time left."""

    def __init__(self, training: Training) -> None:
        self.training, self.steps = training, training.steps
        self.step = 0
        self.curves: dict[str, list[tuple[int, float]]] = {}
        self.held_out: list[tuple[int, float]] = []
        self._smooth: dict[str, float] = {}
        self._recent: deque[tuple[int, float]] = deque(maxlen=50)
        for row in training.history:
            self._remember(row)

    def _remember(self, row: Mapping[str, Any]) -> None:
        """A logged row of a step that was done before this process began."""
        if "held_out_loss" in row:
            self.held_out.append((row["step"], row["held_out_loss"]))
        self._note(row["step"], {name: row[name] for name in self._shown if name in row})

    @property
    def _shown(self) -> list[str]:
        return ["loss", *self.training.claims]

    def update(self, step: int, metrics: Mapping[str, float], seconds: float) -> None:
        self._recent.append((step, seconds))
        self._note(step, {name: metrics[name] for name in self._shown if name in metrics})

    def _note(self, step: int, metrics: Mapping[str, float]) -> None:
        weight = SMOOTH ** max(1, step - self.step)
        drawn = step % max(1, self.steps // CURVE_POINTS) == 0 or step == self.steps
        self.step = max(self.step, step)
        for name, value in metrics.items():
            before = self._smooth.get(name, value)
            self._smooth[name] = weight * before + (1 - weight) * value
            if drawn:
                self.curves.setdefault(name, []).append((step, self._smooth[name]))

    def figure(self, name: str) -> float:
        """A logged figure, smoothed; NaN before the first step."""
        return self._smooth.get(name, math.nan)

    @property
    def loss(self) -> float:
        return self.figure("loss")

    @property
    def claimed(self) -> str | None:
        """The logged figure on which the recipe has a bar, if there is one."""
        return next((name for name in self.training.claims if name in self._smooth), None)

    @property
    def steps_per_second(self) -> float:
        """NaN while unknown."""
        if not self._recent:
            return math.nan
        (first, began), (last, ended) = self._recent[0], self._recent[-1]
        return (last - first) / (ended - began) if ended > began else math.nan

    @property
    def items_per_second(self) -> float:
        return self.steps_per_second * self.training.items_per_step

    @property
    def seconds_left(self) -> float:
        """Until all that is to come is done, as far as that is known; NaN while the speed is unknown."""
        steps = self.steps - self.step + self.training.later_steps
        return steps / self.steps_per_second + (self.training.later_seconds or 0.0)

    def speed(self) -> str:
        """Items a second in words, "" while unknown."""
        rate = self.items_per_second
        return f"{rate:,.0f} {self.training.unit}/s" if math.isfinite(rate) else ""

    def left(self) -> str:
        """The time left in words, "" while unknown."""
        if not math.isfinite(self.seconds_left):
            return ""
        more = " + judging" if self.training.later_seconds is None else ""
        return f"left {clock(self.seconds_left)}{more}"


def clock(seconds: float) -> str:
    """Minutes and seconds, "?" while unknown."""
    if not math.isfinite(seconds):
        return "?"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"


def loss_curve(
    curve: Curve, width: int, height: int, unicode: bool = True, other: Curve = (), line: float | None = None
) -> str:
    """A small curve in braille dots, or in ASCII where the terminal cannot draw them.

    Args:
        curve: Steps and figures.
        width: Columns, without the labels of the axis.
        height: Rows.
        unicode: Whether braille dots can be shown.
        other: A second curve over the same steps.
        line: A height that is wanted: a dotted line.
    """
    import plotille

    points = [(x, y) for x, y in curve if math.isfinite(y)]
    if len(points) < 2:
        return ""
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    more = [(x, y) for x, y in other if math.isfinite(y)]
    first, last = min(xs[0], *(x for x, _ in more), xs[0]), xs[-1]
    everything = [*ys, *(y for _, y in more), *([] if line is None else [line])]
    low, high = min(everything), max(everything)
    span = (high - low) or abs(high) or 1.0
    if not unicode:
        return _ascii_curve(points, more, line, (low, high), width, height)
    low_edge, high_edge = low - 0.03 * span, high + 0.03 * span
    canvas = plotille.Canvas(width, height, xmin=first, xmax=last + 1, ymin=low_edge, ymax=high_edge)
    for (x0, y0), (x1, y1) in [*pairwise(points), *pairwise(more)]:
        canvas.line(x0, y0, x1, y1)
    if line is not None:
        dot = (last - first) / (2 * width)
        for i in range(0, 2 * width, 3):
            canvas.point(first + i * dot, line)
    rows = canvas.plot().splitlines()
    labels = [f"{high:.3g}", *[""] * (len(rows) - 2), f"{low:.3g}"]
    return "\n".join(f"{label:>8} ┤{row}" for label, row in zip(labels, rows, strict=True))


def _ascii_curve(
    curve: Curve, other: Curve, line: float | None, bounds: tuple[float, float], width: int, height: int
) -> str:
    low, high = bounds
    steps = [x for x, _ in (*curve, *other)]
    first, last = min(steps), max(steps)
    grid = [
        ["." if line is not None and row == _row(line, bounds, height) else " "] * width
        for row in range(height)
    ]
    for points, letter in ((other, "o"), (curve, "*")):
        for x, y in points:
            column = round((x - first) / max(1, last - first) * (width - 1))
            grid[_row(y, bounds, height)][column] = letter
    labels = [f"{high:.3g}", *[""] * (height - 2), f"{low:.3g}"]
    return "\n".join(f"{label:>8} |{''.join(row)}" for label, row in zip(labels, grid, strict=True))


def _row(y: float, bounds: tuple[float, float], height: int) -> int:
    low, high = bounds
    return round((high - y) / ((high - low) or 1.0) * (height - 1))
