"""What a signal leaves on the screen: a message beside whatever is drawn there, a terminal that is whole."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from threading import Thread

_SHOW_CURSOR = b"\x1b[?25h"


def announce(number: int, line: str) -> Thread:
    """Say a line from within a signal's handler.

    The handler may have come in the middle of a redraw. So another thread says it, which waits for that; the
    caller joins it once the work has ended.
    """
    from threading import Thread

    thread = Thread(target=_say, args=(number, line))
    thread.start()
    return thread


def _say(number: int, line: str) -> None:
    from atlas_cli.screen import messages

    with contextlib.suppress(OSError, ValueError):  # the terminal may be what has gone
        if number == signal.SIGINT and _on_terminal() and not _redrawn():
            sys.stderr.write("\n")  # the terminal wrote ^C where the line would begin
        messages.say(line)


def end_line() -> None:
    """Leave the line in which the terminal wrote ^C."""
    with contextlib.suppress(OSError, ValueError):
        if _on_terminal():
            sys.stderr.write("\n")


def restore(number: int) -> None:
    """Give the terminal back, its cursor shown and in a line of its own, before the process ends at once."""
    with contextlib.suppress(OSError, ValueError):
        if _on_terminal() and (_redrawn() or number == signal.SIGINT):
            os.write(sys.stderr.fileno(), (_SHOW_CURSOR if _redrawn() else b"") + b"\n")


def _on_terminal() -> bool:
    return sys.stderr is not None and sys.stderr.isatty()


def _redrawn() -> bool:
    """Whether a display has the terminal, which hides the cursor and draws itself anew below each message."""
    from rich.file_proxy import FileProxy

    return isinstance(sys.stderr, FileProxy)
