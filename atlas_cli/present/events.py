"""Progress for machines and logs: plain lines with --json, one JSON object a line with `--log jsonl`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType

from atlas_cli.present.artifacts.base import Artifact
from atlas_cli.present.glimpse import Glimpse
from atlas_cli.present.log import PlainProgress
from atlas_cli.present.progress import Meter, Progress, Training
from atlas_cli.present.reporter import Reporter, SilentReporter, TerminalReporter
from atlas_cli.screen import messages
from atlas_cli.screen.flags import flags
from atlas_cli.screen.messages import write_event
from atlas_cli.screen.terminal import err

LINES = 20  # of progress, in a training


class LineReporter(TerminalReporter):
    """Plain lines on stderr, on a terminal too: stdout holds a document, and the screen is not redrawn."""

    @contextmanager
    def phase(self, line: str) -> Iterator[None]:
        messages.say(line)
        yield

    def show(self, artifact: Artifact) -> None:
        """Nothing: the document names its files."""

    def progress(self, training: Training) -> AbstractContextManager[Progress]:
        return PlainProgress(err, training)


class JsonProgress:
    """Now and then one JSON object on stderr: title, step, steps, loss, metrics, items a second, seconds."""

    def __init__(self, training: Training) -> None:
        self.training, self.meter = training, Meter(training)
        self._every = max(1, training.steps // LINES)

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
            "step", title=self.training.title, step=step, steps=m.steps, metrics=known,
            unit=self.training.unit,
            per_second=round(speed, 1) if math.isfinite(speed) else None, seconds=round(seconds, 3),
            seconds_left=round(left, 1) if math.isfinite(left) else None,
        )  # fmt: skip

    def glimpse(self, glimpse: Glimpse) -> None:
        write_event(
            "glimpse", title=self.training.title, step=glimpse.step, held_out_loss=glimpse.held_out,
            files=[str(file) for file in glimpse.files],
        )  # fmt: skip


class JsonReporter(LineReporter):
    """Messages and progress as JSON objects, one a line."""

    def progress(self, training: Training) -> AbstractContextManager[Progress]:
        return JsonProgress(training)


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
