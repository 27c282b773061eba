"""The trainer's words: live on a terminal, plain lines elsewhere, nothing when quiet."""

from __future__ import annotations

from contextlib import AbstractContextManager

from atlas_cli.engine import distributed
from atlas_cli.engine.loop import Progress
from atlas_cli.engine.system import System
from atlas_cli.present.progress import LiveProgress, Meter, NoProgress, PlainProgress
from atlas_cli.screen import messages
from atlas_cli.screen.flags import flags
from atlas_cli.screen.terminal import err


class TerminalReporter:
    """Messages and progress on stderr."""

    def say(self, line: str) -> None:
        messages.say(line)

    def progress(self, title: str, system: System) -> AbstractContextManager[Progress]:
        meter = Meter(system.setting.train.steps, system.items_per_step())
        if err.is_terminal and not flags.plain:
            return LiveProgress(err, title, meter, system.unit)
        return PlainProgress(err, title, meter, system.unit)


class SilentReporter:
    """Nothing at all."""

    def say(self, line: str) -> None:
        return None

    def progress(self, title: str, system: System) -> AbstractContextManager[Progress]:
        return NoProgress()


def reporter(json: bool = False) -> TerminalReporter | SilentReporter:
    """The reporter for this process: silent with --quiet or --json, and on every rank but the first."""
    silent = json or flags.quiet or not distributed.is_main()
    return SilentReporter() if silent else TerminalReporter()
