"""Signals: the first Ctrl-C, SIGTERM or SIGHUP ends a training after its step, the second one at once.

While a system trains, a signal is heeded between two steps, when a checkpoint can be written. At other times
(evaluating, sampling) nothing would be saved by waiting: the work stops where it is, and a resume does it.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from types import FrameType, TracebackType
from typing import Any

from atlas_cli.screen import interrupted

HEEDED = [number for name in ("SIGINT", "SIGTERM", "SIGHUP") if (number := getattr(signal, name, None))]


def nohup(number: int) -> bool:
    """Whether the command was started such that it outlives its terminal."""
    return number == getattr(signal, "SIGHUP", None) and signal.getsignal(number) is signal.SIG_IGN


class StoppedAtOnce(KeyboardInterrupt):
    """A signal came while nothing was there to be saved."""

    def __init__(self, code: int) -> None:
        super().__init__()
        self.code = code


class StopRequest:
    """A context in which the signals are heeded in place of ending the process.

    Raises:
        StoppedAtOnce: in the middle of the work, outside `between_steps`.
    """

    def __init__(self) -> None:
        self.requested = False
        self.exit_code = 130
        self._waits = False
        self._saying: Thread | None = None
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> StopRequest:
        for number in HEEDED:
            if not nohup(number):
                self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._saying is not None:
            self._saying.join()
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    @contextmanager
    def between_steps(self) -> Iterator[None]:
        """While this lasts, a signal sets `requested`, which is asked between two steps."""
        self._waits = True
        try:
            yield
        finally:
            self._waits = False
        if self.requested:  # within the last step, after which nothing asks any more
            raise StoppedAtOnce(self.exit_code)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        code = 128 + number
        if self.requested:  # the last checkpoint is whole: a save is renamed into place only when complete
            interrupted.restore(number)
            os._exit(code)
        self.requested, self.exit_code = True, code
        if not self._waits:
            raise StoppedAtOnce(code)
        self._saying = interrupted.announce(number, "stopping after this step; a second time stops at once")
