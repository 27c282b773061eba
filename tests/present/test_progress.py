"""The progress meter: smoothing, speed and time left in closed form; what is drawn where."""

from __future__ import annotations

import math
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from atlas_cli.present import reporter
from atlas_cli.present.artifacts.images import Images
from atlas_cli.present.artifacts.text import Text as Written
from atlas_cli.present.glimpse import Glimpse
from atlas_cli.present.log import PlainProgress
from atlas_cli.present.panel import LiveProgress
from atlas_cli.present.progress import Meter, Training, clock, loss_curve
from atlas_cli.recipe.model import Bar


def training(title: str = "ddpm/small", steps: int = 100, **fields: object) -> Training:
    return Training(title, steps, items_per_step=8, unit="images", **fields)  # type: ignore[arg-type]


def fed(meter: Meter, steps: int, seconds_a_step: float = 0.5, **metrics: float) -> Meter:
    for step in range(1, steps + 1):
        meter.update(step, {"loss": 2.0, **metrics}, step * seconds_a_step)
    return meter


def shown(progress: LiveProgress, console: Console) -> list[str]:
    lines = console.render_lines(progress.render(), pad=False)
    return ["".join(segment.text for segment in line) for line in lines]


def terminal(width: int = 80, height: int = 24) -> Console:
    console = Console(file=StringIO(), width=width, height=height, force_terminal=True, color_system=None)
    return console


def test_speed_and_time_left() -> None:
    meter = fed(Meter(training()), 60)
    assert meter.items_per_second == pytest.approx(16)
    assert meter.seconds_left == pytest.approx(20)
    assert meter.loss == pytest.approx(2.0)


def test_the_time_left_covers_what_follows_as_far_as_it_is_known() -> None:
    assert fed(Meter(training(later_steps=100, later_seconds=30.0)), 60).left() == "left 1:40"
    assert fed(Meter(training(later_seconds=None)), 60).left() == "left 0:20 + judging"


def test_the_loss_is_smoothed() -> None:
    meter = fed(Meter(training()), 1)
    meter.update(2, {"loss": 4.0}, 1.0)
    assert meter.loss == pytest.approx(0.95 * 2 + 0.05 * 4)


def test_after_a_resume_the_curve_is_whole_and_goes_on_where_it_was() -> None:
    before = [{"step": s, "loss": 3.0 - s / 50, "seconds": s / 2} for s in range(10, 60, 10)]
    meter = Meter(training(history=[*before, {"step": 50, "held_out_loss": 2.5}]))
    assert [step for step, _ in meter.curves["loss"]] == [10, 20, 30, 40, 50]
    assert meter.held_out == [(50, 2.5)]
    smoothed = meter.loss
    meter.update(51, {"loss": 2.0}, 30.0)
    assert 2.0 < meter.loss < smoothed


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (59.6, "1:00"), (125, "2:05"), (math.nan, "?")])
def test_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text


def test_plain_lines_carry_no_escapes_and_are_few() -> None:
    console = Console(file=StringIO(), width=80)
    with PlainProgress(console, training(steps=1000)) as progress:
        for step in range(1, 1001):
            progress.update(step, {"loss": 1.0}, step / 10)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "\x1b" not in text
    assert "\r" not in text
    assert len(text.splitlines()) == 10
    assert text.endswith("\n")
    assert "ddpm/small  step 1000/1000  loss 1.0000  80 images/s  left 0:00" in text


def test_a_first_line_says_nothing_that_is_not_known() -> None:
    console = Console(file=StringIO(), width=80)
    with PlainProgress(console, training(steps=3)) as progress:
        progress.update(1, {"loss": 1.0}, 0.5)
    assert console.file.getvalue() == "ddpm/small  step 1/3  loss 1.0000\n"  # type: ignore[attr-defined]
    panel = LiveProgress(terminal(), training())
    panel.update(1, {"loss": 1.0}, 0.5)
    assert not {"nan", "?", "left"} & set(" ".join(shown(panel, terminal())).replace("/s", " ").split())


def test_a_glimpse_is_one_line_of_a_log() -> None:
    console = Console(file=StringIO(), width=80)
    with PlainProgress(console, training()) as progress:
        progress.glimpse(Glimpse(40, Images(np.zeros((2, 1, 8, 8))), 0.43, [Path("s/step-00000040.png")]))
        progress.glimpse(
            Glimpse(60, Written(["def f():\n\x1b[2J\treturn 1" + 80 * "x"]), None, [Path("s/60.txt")])
        )
    images, text = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert images == "ddpm/small  step 40/100  held-out loss 0.4300  s/step-00000040.png"
    assert text.startswith(r"ddpm/small  step 60/100  def f():|\x1b[2J\x09return 1xxx")
    assert len(text) == len("ddpm/small  step 60/100  ") + 60


@pytest.mark.parametrize("width", [60, 80, 140])
@pytest.mark.parametrize("title", ["mamba/induction", "mamba/induction without the idea", "x" * 90])
def test_no_figure_is_cut_whatever_the_width(width: int, title: str) -> None:
    console = terminal(width)
    progress = LiveProgress(console, training(title, claims={"accuracy": Bar(min=0.98)}, later_seconds=None))
    fed(progress.meter, 60, accuracy=0.5)
    progress.glimpse(Glimpse(40, Images(np.zeros((10, 1, 28, 28))), 2.9))
    lines = shown(progress, console)
    assert all(len(line) <= width - len("^C") for line in lines)
    assert len(lines) < console.height
    assert lines[0].rstrip().endswith("  60/100  left 0:20 + judging")
    text = " ".join(lines)
    for figure in ("loss 2.0000", "held out 2.9000", "accuracy 0.500 (wanted >= 0.98)", "16 images/s"):
        assert figure in text


@pytest.mark.parametrize("height", [6, 10, 16, 24])
def test_the_panel_is_no_higher_than_the_terminal(height: int) -> None:
    console = terminal(80, height)
    progress = LiveProgress(console, training())
    fed(progress.meter, 60)
    progress.glimpse(Glimpse(40, Images(np.zeros((10, 1, 28, 28))), 2.9))
    assert len(shown(progress, console)) < height


def test_the_panel_shows_text_without_obeying_it() -> None:
    console = terminal()
    progress = LiveProgress(console, training())
    progress.glimpse(Glimpse(40, Written(["a\x1b[2Jb\tc\nd\ne\x07" + 200 * "f"]), None))
    after = shown(progress, console)[2:]
    assert after[0].startswith("a␛[2Jb␉c␊d␊e␇fff")
    assert len(after) == 2
    assert all(len(line) <= 80 for line in after)


def test_a_file_is_no_terminal_whatever_forces_its_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reporter, "err", terminal())
    assert isinstance(reporter.TerminalReporter().progress(training()), PlainProgress)
    with reporter.TerminalReporter().phase("evaluating"):
        pass  # no spinner is drawn into the file
    assert "\x1b" not in reporter.err.file.getvalue()  # type: ignore[attr-defined]


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


def test_a_slow_first_step_has_a_figure_before_it_has_a_curve() -> None:
    """The panel draws itself by the clock, and a curve keeps every few steps of a long training alone."""
    console = terminal()
    panel = LiveProgress(console, training(steps=100_000, claims={"accuracy": Bar(min=0.9)}))
    panel.update(1, {"loss": 1.0, "accuracy": 0.25}, 0.5)
    assert "accuracy" not in panel.meter.curves
    assert any("accuracy 0.250 (wanted >= 0.9)" in line for line in shown(panel, console))
