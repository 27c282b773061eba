"""TensorBoard's event files: written while a training lasts, or made of the rows that a run logged."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from atlas_cli.errors import EnvironmentFault
from atlas_cli.present.glimpse import Glimpse
from atlas_cli.present.progress import Progress, Training
from atlas_cli.runs.folder import ABLATION, RunFolder

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

FOLDER = "tensorboard"  # inside a run's own, one folder an arm
WITHOUT = "without-the-idea"  # what the curve of the ablation is called after
_FLUSH_SECONDS = 2  # a browser that follows a training sees its figures so soon


def require() -> type[SummaryWriter]:
    """TensorBoard's writer.

    Raises:
        EnvironmentFault: it is not installed.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise EnvironmentFault(
            "TensorBoard is not installed here", "pip install 'atlas-cli[tensorboard]'"
        ) from error
    return SummaryWriter


def write(folder: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Event files of what a run logged, every metric over the steps."""
    with require()(str(folder)) as writer:
        for row in rows:
            _add(writer, row)


def place(run: RunFolder) -> Path:
    """The folder of a run's event files; of an arm beside those of the run that it lies in."""
    whole = run.resume_name
    if whole == run.name:
        return run.path / FOLDER / whole
    return run.path.parent / FOLDER / f"{whole}-{WITHOUT if run.name == ABLATION else run.name}"


@contextmanager
def logged(progress: Progress, training: Training, folder: Path, every: int) -> Iterator[Progress]:
    """A progress that also writes event files.

    What `folder` holds already is written anew from the training's history, so that the curve of a run that
    goes on is whole, whatever was logged before, and nothing beyond the checkpoint is left on it.

    Args:
        progress: Who is told as well.
        training: What is trained; its history are the rows of the steps that were done before.
        folder: Of the event files.
        every: Steps from one logged row to the next.
    """
    with require()(str(folder), purge_step=0, flush_secs=_FLUSH_SECONDS) as writer:
        yield _Logged(progress, writer, training, every)


class _Logged:
    """Passes on what it is told, and writes the rows that the run logs.

    A row stands at the time at which it would have been logged had nothing but training taken time: so a
    browser's axis of time has no gap where the run was stopped.
    """

    def __init__(self, inner: Progress, writer: SummaryWriter, training: Training, every: int) -> None:
        self._inner, self._writer, self._steps, self._every = inner, writer, training.steps, every
        self._seconds = 0.0
        self._began = time.time() - max((row.get("seconds", 0.0) for row in training.history), default=0.0)
        for row in training.history:
            self._add(row)

    def update(self, step: int, metrics: dict[str, float], seconds: float) -> None:
        if step % self._every == 0 or step == self._steps:
            self._add({"step": step, **metrics, "seconds": seconds})
        self._inner.update(step, metrics, seconds)

    def glimpse(self, glimpse: Glimpse) -> None:
        if glimpse.held_out is not None:
            self._add({"step": glimpse.step, "held_out_loss": glimpse.held_out})
        self._inner.glimpse(glimpse)

    def _add(self, row: Mapping[str, Any]) -> None:
        self._seconds = row.get("seconds", self._seconds)
        _add(self._writer, row, self._began + self._seconds)


def _add(writer: SummaryWriter, row: Mapping[str, Any], at: float | None = None) -> None:
    for metric, value in row.items():
        if metric != "step" and math.isfinite(value):
            writer.add_scalar(metric, value, int(row["step"]), walltime=at)
