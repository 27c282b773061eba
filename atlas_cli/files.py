"""Reading files that others may have put there: regular ones alone, and no more than is expected of them.

A named pipe in place of a file would be waited for without end, a device may do anything when it is opened,
and a sparse file of a terabyte costs its sender nothing.

And what processes that share a file need: a write that is whole, and a lock that its holder's end frees.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

_HELD = {errno.EACCES, errno.EAGAIN, errno.EDEADLK}
MOST_TEXT = 64 * 1024 * 1024  # bytes of a JSON or YAML file; the atlas writes none of a hundredth of that


def opened(path: str | os.PathLike[str]) -> BinaryIO:
    """The file, open for reading bytes.

    Raises:
        OSError: it cannot be opened, or is a folder, a pipe, a socket or a device.
    """
    _require_regular(os.stat(path), path)  # first, since opening some devices does something
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        _require_regular(os.fstat(descriptor), path)  # again: it may have been exchanged in between
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def size(path: str | os.PathLike[str]) -> int:
    """Bytes of a regular file.

    Raises:
        OSError: as `opened` does.
    """
    facts = os.stat(path)
    _require_regular(facts, path)
    return facts.st_size


def read(path: str | os.PathLike[str], most: int | None = None) -> bytes:
    """All bytes of a regular file of at most `most` bytes.

    Raises:
        OSError: as `opened` does, or the file is larger.
    """
    with opened(path) as file:
        if most is not None and os.fstat(file.fileno()).st_size > most:
            raise OSError(errno.EFBIG, f"it holds more than {most:,} bytes", str(path))
        return file.read()


def read_text(path: str | os.PathLike[str], most: int = MOST_TEXT) -> str:
    """The text of a regular file in UTF-8.

    Raises:
        OSError: as `read` does.
        UnicodeDecodeError: it is not UTF-8.
    """
    return read(path, most).decode("utf-8").replace("\r\n", "\n")


def put(path: str, data: bytes) -> None:
    """Write a file so that its readers see the old or the new one whole, after a power cut too.

    Raises:
        OSError: it cannot be written; what was there is there still.
    """
    temporary = f"{path}.{os.getpid()}.tmp"
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):  # it was never made
            os.unlink(temporary)
        raise


def _require_regular(facts: os.stat_result, path: str | os.PathLike[str]) -> None:
    if stat.S_ISDIR(facts.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(Path(path)))
    if not stat.S_ISREG(facts.st_mode):
        raise OSError(errno.EINVAL, "it is no regular file", str(Path(path)))


if sys.platform == "win32":
    import msvcrt

    def try_lock(descriptor: int, shared: bool) -> bool | None:
        """Lock a byte far behind what is written, which others must still be able to read."""
        os.lseek(descriptor, 1 << 30, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBRLCK if shared else msvcrt.LK_NBLCK, 1)
        except OSError as error:
            return False if error.errno in _HELD else None
        finally:
            os.lseek(descriptor, 0, os.SEEK_SET)
        return True

else:
    import fcntl

    def try_lock(descriptor: int, shared: bool) -> bool | None:
        """True: locked until the descriptor closes. False: held elsewhere. None: no locks on this disk."""
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except OSError as error:
            return False if error.errno in _HELD else None
        return True
