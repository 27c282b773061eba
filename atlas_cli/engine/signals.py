"""Signals: the first Ctrl-C or SIGTERM asks the loop to end after its step, the second ends at once."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType, TracebackType
from typing import Any


class StopRequest:
    """A context in which SIGINT and SIGTERM set `requested` in place of ending the process."""

    def __init__(self) -> None:
        self.requested = False
        self.exit_code = 130
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> StopRequest:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        code = 128 + number
        if self.requested:  # the last checkpoint is whole: a save is renamed into place only when complete
            os._exit(code)
        self.requested, self.exit_code = True, code
        print("\nstopping after this step; once more stops at once", file=sys.stderr, flush=True)
