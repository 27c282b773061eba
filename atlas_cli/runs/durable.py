"""Files that survive a crash: fsync, atomic rename, and faults that say what is missing. Imports no torch."""

from __future__ import annotations

import errno
import json
import math
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from atlas_cli import files
from atlas_cli.errors import DataError, EnvironmentFault

#: Leftovers of a killed process begin with this; nothing that begins so is ever read.
TEMPORARY = ".tmp-"

_RENAME_TRIES = 8  # waits of 10, 20, 40 ... ms: 1.3 s in all
_LIMITS = {
    errno.EFBIG: "the limit on the size of files (ulimit -f)",
    getattr(errno, "EDQUOT", errno.EFBIG): "your quota on this disk",
}


def write_synced(path: Path, data: bytes) -> None:
    """Write a file and wait until the disk has it; its mode follows umask."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    """Wait until the disk has the names in a folder: a synced file without a name is lost on power loss."""
    if os.name == "nt":  # Windows cannot open a folder, and NTFS journals names itself
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def rename(source: Path, target: Path) -> None:
    """Rename in one step, over an existing file. Waits a little for a Windows virus scanner or indexer."""
    for attempt in range(_RENAME_TRIES):
        try:
            os.replace(source, target)
            return
        except PermissionError:
            if attempt == _RENAME_TRIES - 1:
                raise
            time.sleep(0.01 * 2**attempt)


def write_atomic(path: Path, text: str) -> None:
    """Write a text file so that every reader, now and after a crash, sees the old or the new one whole.

    Raises:
        EnvironmentFault: the disk is full or the folder cannot be written.
    """
    temporary = path.parent / f"{TEMPORARY}{path.name}-{os.getpid()}"
    data = text.encode("utf-8")
    try:
        write_synced(temporary, data)
        rename(temporary, path)
        sync_folder(path.parent)
    except OSError as error:
        raise write_fault(error, path, len(data)) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: Path, document: Any) -> None:
    """Write a JSON file atomically; NaN and infinity, which JSON lacks, become null."""
    write_atomic(path, json.dumps(strict(document), indent=2, allow_nan=False, ensure_ascii=False) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        DataError: the file is missing, unreadable or holds no JSON object.
    """
    try:
        document = json.loads(files.read_text(path))
    except (OSError, ValueError, RecursionError) as error:  # ValueError: not JSON, or not UTF-8
        reason = getattr(error, "strerror", None) or error
        raise DataError(
            f"{path} cannot be read: {reason}", "restore the file or delete its folder"
        ) from error
    if not isinstance(document, dict):
        raise DataError(f"{path} holds no JSON object", "restore the file or delete its folder")
    return document


def strict(value: Any) -> Any:
    """The same document with NaN and infinity replaced by None, deeply."""
    if isinstance(value, dict):
        return {key: strict(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [strict(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write_fault(
    error: OSError, path: Path, needed: int, hint: str = "name a folder you may write to: --out FOLDER"
) -> EnvironmentFault:
    """The fault of a failed write of `needed` bytes to `path`; the hint is for a place that takes none."""
    if error.errno == errno.ENOSPC:
        return full_fault(path, needed, shutil.disk_usage(path.parent).free)
    if error.errno in _LIMITS:
        return EnvironmentFault(
            f"{_LIMITS[error.errno]} is reached: {path} needs {needed:,} bytes",
            "raise the limit and go on with --resume, or name another disk: --out FOLDER",
        )
    reason = error.strerror or type(error).__name__
    return EnvironmentFault(f"cannot write {path}: {reason}", hint)


def full_fault(path: Path, needed: int, free: int) -> EnvironmentFault:
    """The fault of a disk without room for `needed` bytes."""
    return EnvironmentFault(
        f"the disk is full: {path} needs {needed:,} bytes and {free:,} are free",
        "free some space and go on with --resume, or name another disk: --out FOLDER",
    )


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary file beside `path`, then rename it into place.

    A reader sees the old file or the new one, never half of one; two processes do not disturb each other.

    Raises:
        EnvironmentFault: the folder cannot be written.
    """
    temporary = path.with_name(
        f"{TEMPORARY}{os.getpid()}-{path.name}"
    )  # keeps its ending: numpy adds one else
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(temporary)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        rename(temporary, path)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        if path.parent.is_dir():
            temporary.unlink(missing_ok=True)


def _unwritable(path: Path, error: OSError) -> EnvironmentFault:
    return EnvironmentFault(
        f"cannot write {path}: {error.strerror or error}",
        "free some space there, or name another folder with the environment variable ATLAS_HOME",
    )
