"""Progress for machines and logs: plain lines with --json, one JSON object a line with `--log jsonl`."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager
from types import TracebackType

from atlas_cli.present.progress import Meter, PlainProgress, Progress
from atlas_cli.present.reporter import Reporter, SilentReporter, TerminalReporter
from atlas_cli.screen.flags import flags
from atlas_cli.screen.messages import write_event
from atlas_cli.screen.terminal import err

LINES = 20  # of progress, in a training


class LineReporter(TerminalReporter):
    """Plain lines on stderr, on a terminal too: stdout holds a document, and the screen is not redrawn."""

    def progress(
        self, title: str, steps: int, items_per_step: int, unit: str
    ) -> AbstractContextManager[Progress]:
        return PlainProgress(err, title, Meter(steps, items_per_step), unit)


class JsonProgress:
    """Now and then one JSON object on stderr: title, step, steps, loss, metrics, items a second, seconds."""

    def __init__(self, title: str, meter: Meter, unit: str) -> None:
        self.title, self.meter, self.unit = title, meter, unit
        self._every = max(1, meter.steps // LINES)

    def __enter__(self) -> JsonProgress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def update(self, step: int, metrics: dict[str, float], seconds: float) -> None:
        m = self.meter
        m.update(step, metrics, seconds)
        if step % self._every and step != m.steps:
            return
        known = {name: value if math.isfinite(value) else None for name, value in metrics.items()}
        left, speed = m.seconds_left, m.items_per_second
        write_event(
            "step", title=self.title, step=step, steps=m.steps, metrics=known, unit=self.unit,
            per_second=round(speed, 1) if math.isfinite(speed) else None, seconds=round(seconds, 3),
            seconds_left=round(left, 1) if math.isfinite(left) else None,
        )  # fmt: skip


class JsonReporter(TerminalReporter):
    """Messages and progress as JSON objects, one a line."""

    def progress(
        self, title: str, steps: int, items_per_step: int, unit: str
    ) -> AbstractContextManager[Progress]:
        return JsonProgress(title, Meter(steps, items_per_step), unit)


def train_reporter(json: bool, silent: bool = False) -> Reporter:
    """The reporter of a command that trains; silent with --quiet as well.

    Args:
        json: Whether a JSON document goes to stdout.
        silent: Another process speaks.
    """
    if flags.quiet or silent:
        return SilentReporter()
    if flags.jsonl:
        return JsonReporter()
    return LineReporter() if json else TerminalReporter()
