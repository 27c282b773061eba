"""The trainer's words: live on a terminal, plain lines elsewhere, nothing when quiet."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from atlas_cli.present.progress import LiveProgress, Meter, NoProgress, PlainProgress, Progress
from atlas_cli.screen import messages
from atlas_cli.screen.flags import flags
from atlas_cli.screen.terminal import err


class Reporter(Protocol):
    """Where the trainer's words go."""

    def say(self, line: str) -> None:
        """One line, now."""

    def progress(
        self, title: str, steps: int, items_per_step: int, unit: str
    ) -> AbstractContextManager[Progress]:
        """What is told the figures of every step while one training lasts.

        Args:
            title: What is trained.
            steps: How many steps the training has.
            items_per_step: Items of `unit` that one step consumes.
            unit: What an item is called: "images", "tokens".
        """


class TerminalReporter:
    """Messages and progress on stderr."""

    def say(self, line: str) -> None:
        messages.say(line)

    def progress(
        self, title: str, steps: int, items_per_step: int, unit: str
    ) -> AbstractContextManager[Progress]:
        meter = Meter(steps, items_per_step)
        if err.is_terminal and not flags.plain:
            return LiveProgress(err, title, meter, unit)
        return PlainProgress(err, title, meter, unit)


class SilentReporter:
    """Nothing at all."""

    def say(self, line: str) -> None:
        return None

    def progress(
        self, title: str, steps: int, items_per_step: int, unit: str
    ) -> AbstractContextManager[Progress]:
        return NoProgress()


def reporter(silent: bool = False) -> TerminalReporter | SilentReporter:
    """The reporter for this process; silent with --quiet as well."""
    return SilentReporter() if silent or flags.quiet else TerminalReporter()
