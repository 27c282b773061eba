"""Writing what is shown: refused before the work where a user named the place, else no reason to fail."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

from atlas_cli.errors import EnvironmentFault
from atlas_cli.runs.durable import write_fault
from atlas_cli.screen import messages

_NO_FOLDER = {errno.EEXIST, errno.ENOTDIR}
_READ_ONLY = {errno.EROFS, errno.EACCES, errno.EPERM}


def require_place(folder: Path) -> None:
    """See that a folder takes files, or can be made, before there is anything to write.

    Raises:
        EnvironmentFault: they cannot.
    """
    hint = "name a folder that you may write to: --save FOLDER"
    try:
        there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
        folder = there.resolve()
    except (OSError, ValueError) as error:  # a name that is too long, or holds a zero byte
        reason = getattr(error, "strerror", None) or str(error)
        raise EnvironmentFault(f"cannot save to {str(folder)[:200]}: {reason}", hint) from error
    if not folder.is_dir():
        raise EnvironmentFault(f"cannot save there: {there} is not a folder", hint)
    if not os.access(folder, os.W_OK | os.X_OK) or str(folder).startswith(("/proc", "/sys")):
        raise EnvironmentFault(f"cannot save there: {there} is read-only", hint)


def saved(write: Callable[[], list[Path]], folder: Path, wanted: bool = False) -> list[Path]:
    """The files that `write` wrote into `folder`; none where it is read-only or full, which is said.

    Args:
        write: Writes them.
        folder: Where to.
        wanted: Whether the user named the folder, and has to know.

    Raises:
        EnvironmentFault: they cannot be written, and are wanted.
    """
    try:
        return write()
    except OSError as error:
        if wanted:
            hint = "name a place that you may write to: --save"
            raise write_fault(error, Path(error.filename or folder), 0, hint) from error
        messages.say(f"not saved: {_reason(error, folder)}")
        return []


def _reason(error: OSError, folder: Path) -> str:
    if error.errno in _READ_ONLY:
        return f"{folder} is read-only"
    if error.errno in _NO_FOLDER:
        return f"{folder} is not a folder"
    return error.strerror or type(error).__name__
