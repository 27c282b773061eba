"""The trainer's words: live on a terminal, plain lines elsewhere, nothing when quiet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Protocol

from rich.text import Text

from atlas_cli.present.artifacts.base import Artifact
from atlas_cli.present.glimpse import Glimpse
from atlas_cli.present.in_place import in_notebook
from atlas_cli.present.log import PlainProgress
from atlas_cli.present.panel import LiveProgress
from atlas_cli.present.progress import Progress, Training
from atlas_cli.screen import messages
from atlas_cli.screen.flags import flags
from atlas_cli.screen.terminal import can_move, err, out


class Reporter(Protocol):
    """Where the trainer's words go."""

    def say(self, line: str) -> None:
        """One line, now."""

    def phase(self, line: str) -> AbstractContextManager[object]:
        """Something that takes a while and has no steps: said, and shown to live while it lasts."""

    def show(self, artifact: Artifact) -> None:
        """What a run has learned to make."""

    def progress(self, training: Training) -> AbstractContextManager[Progress]:
        """What is told the figures of every step while one training lasts."""


class TerminalReporter:
    """Messages and progress on stderr."""

    def say(self, line: str) -> None:
        messages.say(line)

    @contextmanager
    def phase(self, line: str) -> Iterator[None]:
        if not _lives():
            messages.say(line)
            yield
            return
        from rich.progress import Progress as Bars
        from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

        spinner = SpinnerColumn("dots" if err.encoding.startswith("utf") else "line")
        columns = (spinner, TextColumn("{task.description}"), TimeElapsedColumn())
        with Bars(*columns, console=err, transient=True) as bars:
            bars.add_task(line, total=None)
            yield

    def show(self, artifact: Artifact) -> None:
        if not in_notebook():  # there the picture that grew is on the screen, and the result shows itself
            show(artifact)

    def progress(self, training: Training) -> AbstractContextManager[Progress]:
        return LiveProgress(err, training) if _lives() else PlainProgress(err, training)


class SilentReporter:
    """Nothing at all."""

    def say(self, line: str) -> None:
        return None

    def phase(self, line: str) -> AbstractContextManager[object]:
        return nullcontext()

    def show(self, artifact: Artifact) -> None:
        return None

    def progress(self, training: Training) -> AbstractContextManager[Progress]:
        return NoProgress()


class NoProgress(nullcontext[Progress]):
    """Nothing (--quiet, --json, and every rank but the first)."""

    def __enter__(self) -> NoProgress:
        return self

    def update(self, step: int, metrics: dict[str, float], seconds: float) -> None:
        return None

    def glimpse(self, glimpse: Glimpse) -> None:
        return None


def show(artifact: Artifact) -> None:
    """An artifact and its caption on stdout."""
    out.print()
    artifact.print(out)
    for line in artifact.captions():
        out.print(Text(line, "atlas.muted"))


def _lives() -> bool:
    """Whether a panel can be redrawn on stderr."""
    return can_move(err) and not flags.plain


def reporter(silent: bool = False) -> TerminalReporter | SilentReporter:
    """The reporter for this process; silent with --quiet as well."""
    return SilentReporter() if silent or flags.quiet else TerminalReporter()
