"""The standard streams and the width of the terminal, made such that nothing behind them can fail or hang."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from typing import ClassVar, TextIO

from atlas_cli.errors import EnvironmentFault

_OF_STREAMS = {errno.ENOSPC, errno.EIO, errno.EBADF, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}
LEAST_COLUMNS = 20  # below, nothing can be laid out; the terminal folds the lines


class _Lost:
    """What was dropped."""

    streams: ClassVar[list[TextIO]] = []


def prepare() -> None:
    """Called once, before anything is printed or opened."""
    _stand_in_for_closed()
    _settle_columns()


def finish() -> None:
    """Send off what stdout still holds.

    Raises:
        BrokenPipeError: its reader has gone.
        EnvironmentFault: it cannot be written.
    """
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise unwritable(sys.stdout, error) from error


def is_ours(error: OSError) -> bool:
    """Whether the fault is a stream's, which has no name, and not a file's."""
    return error.filename is None and error.errno in _OF_STREAMS


def unwritable(stream: TextIO, error: OSError) -> EnvironmentFault:
    """The fault of a stream that takes nothing more; what it still holds is dropped."""
    drop(stream)
    reason = error.strerror or type(error).__name__
    return EnvironmentFault(
        f"cannot write to {stream.name.strip('<>')}: {reason}", "send it to a file on a disk with room"
    )


def lost(stream: TextIO) -> bool:
    """Whether the stream failed and ends in nothing now."""
    return stream in _Lost.streams


def drop(stream: TextIO) -> None:
    """Let a stream that failed end in nothing, so that the interpreter does not fail on it once more."""
    _Lost.streams.append(stream)
    with contextlib.suppress(OSError, ValueError), open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), stream.fileno())


def _stand_in_for_closed() -> None:
    """`>&-` closes a stream; the next file that is opened would get its number, and what is printed."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
            stream = os.fdopen(number, mode, encoding="utf-8", closefd=False)
            setattr(sys, name, stream)


def _settle_columns() -> None:
    """COLUMNS of 0 is none; what is too narrow to lay anything out is taken for the least width."""
    said = os.environ.get("COLUMNS", "")
    if not said.isdigit() or int(said[:9]) == 0:
        os.environ.pop("COLUMNS", None)
        columns = _terminal_columns()
    else:
        columns = int(said[:9])
    if 0 < columns < LEAST_COLUMNS:
        os.environ["COLUMNS"] = str(LEAST_COLUMNS)


def _terminal_columns() -> int:
    """Of the first standard stream that is a terminal; 0 where none is."""
    for number in (0, 1, 2):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            return os.get_terminal_size(number).columns
    return 0
