"""The progress meter: smoothing, speed and time left in closed form; what is drawn where."""

from __future__ import annotations

import math
from io import StringIO

import pytest
from rich.console import Console

from atlas_cli.present.progress import LiveProgress, Meter, PlainProgress, clock, loss_curve


def fed(steps: int, seconds_a_step: float = 0.5, total: int = 100) -> Meter:
    meter = Meter(total, items_per_step=8)
    for step in range(1, steps + 1):
        meter.update(step, {"loss": 2.0}, step * seconds_a_step)
    return meter


def test_speed_and_time_left() -> None:
    meter = fed(60)
    assert meter.items_per_second == pytest.approx(16)
    assert meter.seconds_left == pytest.approx(20)
    assert meter.loss == pytest.approx(2.0)


def test_the_loss_is_smoothed() -> None:
    meter = fed(1)
    meter.update(2, {"loss": 4.0}, 1.0)
    assert meter.loss == pytest.approx(0.95 * 2 + 0.05 * 4)


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (59.6, "1:00"), (125, "2:05"), (math.nan, "?")])
def test_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text


def test_plain_lines_carry_no_escapes_and_are_few() -> None:
    console = Console(file=StringIO(), width=80)
    meter = Meter(1000, 8)
    with PlainProgress(console, "ddpm/small", meter, "images") as progress:
        for step in range(1, 1001):
            progress.update(step, {"loss": 1.0}, step / 10)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "\x1b" not in text
    assert "\r" not in text
    assert len(text.splitlines()) == 10
    assert "step 1000/1000  loss 1.0000  80 images/s  left 0:00" in text


@pytest.mark.parametrize("width", [60, 80, 140])
def test_the_live_line_fits_the_terminal(width: int) -> None:
    console = Console(file=StringIO(), width=width, force_terminal=True, color_system=None)
    progress = LiveProgress(console, "selective-copying", fed(60), "images")
    for line in console.render_lines(progress._render(), pad=False):
        assert sum(segment.cell_length for segment in line) <= width


@pytest.mark.parametrize("unicode", [True, False])
def test_the_curve_falls_when_the_loss_falls(unicode: bool) -> None:
    rows = loss_curve([(i, 1.0 - i / 100) for i in range(100)], 40, 6, unicode).splitlines()
    assert len(rows) >= 6
    first, last = (row[10:].rstrip(" ⠀") for row in (rows[0], rows[-1]))
    assert first
    assert len(first) < len(last)
    assert all(c.isascii() for c in "".join(rows)) is not unicode


def test_no_curve_without_two_points() -> None:
    assert loss_curve([(1, 1.0)], 40, 6) == ""
    assert loss_curve([(1, math.nan), (2, math.nan)], 40, 6) == ""
