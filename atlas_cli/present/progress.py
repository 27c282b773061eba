"""What a person sees while a system trains: a live panel on a terminal, plain lines elsewhere."""

from __future__ import annotations

import math
import time
from collections import deque
from itertools import pairwise
from types import TracebackType
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

REFRESH_SECONDS = 0.4
CURVE_POINTS = 400


class Progress(Protocol):
    """What the loop tells while it trains."""

    def update(self, step: int, metrics: dict[str, float], seconds: float) -> None:
        """The figures of the step just done, and the seconds spent training so far."""


class Meter:
    """Figures of a training run as it goes: smoothed loss, speed over the last seconds, time left."""

    def __init__(self, steps: int, items_per_step: int) -> None:
        self.steps, self.items_per_step = steps, items_per_step
        self.step, self.seconds = 0, 0.0
        self.metrics: dict[str, float] = {}
        self.curve: list[tuple[int, float]] = []
        self._recent: deque[tuple[int, float]] = deque(maxlen=50)
        self._smooth: float | None = None

    def update(self, step: int, metrics: dict[str, float], seconds: float) -> None:
        self.step, self.metrics, self.seconds = step, metrics, seconds
        self._recent.append((step, seconds))
        loss = metrics.get("loss", math.nan)
        self._smooth = loss if self._smooth is None else 0.95 * self._smooth + 0.05 * loss
        if step % max(1, self.steps // CURVE_POINTS) == 0 or step == self.steps:
            self.curve.append((step, self._smooth))

    @property
    def loss(self) -> float:
        return self._smooth if self._smooth is not None else math.nan

    @property
    def steps_per_second(self) -> float:
        (first, began), (last, ended) = self._recent[0], self._recent[-1]
        return (last - first) / (ended - began) if ended > began else math.nan

    @property
    def items_per_second(self) -> float:
        return self.steps_per_second * self.items_per_step

    @property
    def seconds_left(self) -> float:
        return (self.steps - self.step) / self.steps_per_second


def clock(seconds: float) -> str:
    """Minutes and seconds, "?" while unknown."""
    if not math.isfinite(seconds):
        return "?"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"


def loss_curve(curve: list[tuple[int, float]], width: int, height: int, unicode: bool = True) -> str:
    """A small loss curve in braille dots, or in ASCII where the terminal cannot draw them."""
    import plotille

    points = [(x, y) for x, y in curve if math.isfinite(y)]
    if len(points) < 2:
        return ""
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    low, high = min(ys), max(ys)
    span = (high - low) or abs(high) or 1.0
    if not unicode:
        return _ascii_curve(xs, ys, width, height)
    low_edge, high_edge = low - 0.03 * span, high + 0.03 * span
    canvas = plotille.Canvas(width, height, xmin=xs[0], xmax=xs[-1] + 1, ymin=low_edge, ymax=high_edge)
    for (x0, y0), (x1, y1) in pairwise(points):
        canvas.line(x0, y0, x1, y1)
    rows = canvas.plot().splitlines()
    labels = [f"{high:.3g}", *[""] * (len(rows) - 2), f"{low:.3g}"]
    return "\n".join(f"{label:>8} ┤{row}" for label, row in zip(labels, rows, strict=True))


def _ascii_curve(xs: list[int], ys: list[float], width: int, height: int) -> str:
    low, high = min(ys), max(ys)
    grid = [[" "] * width for _ in range(height)]
    for x, y in zip(xs, ys, strict=True):
        column = round((x - xs[0]) / max(1, xs[-1] - xs[0]) * (width - 1))
        row = round((high - y) / ((high - low) or 1.0) * (height - 1))
        grid[row][column] = "*"
    labels = [f"{high:.3g}", *[""] * (height - 2), f"{low:.3g}"]
    return "\n".join(f"{label:>8} |{''.join(row)}" for label, row in zip(labels, grid, strict=True))


class LiveProgress:
    """A panel that redraws itself a few times a second."""

    def __init__(self, console: Console, title: str, meter: Meter, unit: str) -> None:
        self.console, self.title, self.meter, self.unit = console, title, meter, unit
        self._live = Live(console=console, auto_refresh=False, transient=False)
        self._drawn = 0.0

    def __enter__(self) -> LiveProgress:
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.meter.step:
            self._live.update(self._render(), refresh=True)
        self._live.__exit__(kind, value, trace)

    def update(self, step: int, metrics: dict[str, float], seconds: float) -> None:
        self.meter.update(step, metrics, seconds)
        now = time.monotonic()
        if now - self._drawn >= REFRESH_SECONDS:
            self._drawn = now
            self._live.update(self._render(), refresh=True)

    def _render(self) -> RenderableType:
        m, width = self.meter, min(self.console.width, 100)
        done = m.step / m.steps
        cells = max(10, width - 62)
        filled = round(done * cells)
        unicode = self.console.encoding.startswith("utf")
        bar = Text(("━" if unicode else "#") * filled, "cyan") + Text(
            ("━" if unicode else "-") * (cells - filled), "bright_black"
        )
        line = Text.assemble(
            (f"{self.title}  ", "bold"), bar, f" {m.step}/{m.steps}  ", ("loss ", "bright_black"),
            f"{m.loss:.4f}  ", f"{m.items_per_second:,.0f} {self.unit}/s  ", ("left ", "bright_black"),
            clock(m.seconds_left),
        )  # fmt: skip
        line.no_wrap, line.overflow = True, "crop"
        curve = loss_curve(m.curve, max(20, width - 14), 6, unicode)
        return Group(line, Text(curve, "cyan")) if curve else line


class PlainProgress:
    """One line now and then, for pipes, CI and logs."""

    def __init__(self, console: Console, title: str, meter: Meter, unit: str, lines: int = 10) -> None:
        self.console, self.title, self.meter, self.unit = console, title, meter, unit
        self._every = max(1, meter.steps // lines)

    def __enter__(self) -> PlainProgress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def update(self, step: int, metrics: dict[str, float], seconds: float) -> None:
        self.meter.update(step, metrics, seconds)
        if step % self._every == 0 or step == self.meter.steps:
            m = self.meter
            self.console.print(
                f"{self.title}  step {step}/{m.steps}  loss {m.loss:.4f}  "
                f"{m.items_per_second:,.0f} {self.unit}/s  left {clock(m.seconds_left)}",
                highlight=False,
                soft_wrap=True,
            )


class NoProgress:
    """Nothing (--quiet, --json, and every rank but the first)."""

    def __enter__(self) -> NoProgress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def update(self, step: int, metrics: dict[str, float], seconds: float) -> None:
        return None
