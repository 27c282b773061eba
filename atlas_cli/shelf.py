"""What was worked out before, on disk, for as long as what it was worked out from is the same.

An entry lies in a slot (what was asked for) under a mark (what the answer depends on). Its first line is a
digest of mark and answer together, so that one comparison finds an entry that is out of date and one that is
damaged; both count as not there. Readers and writers need no lock: an entry is renamed into place whole.
Where nothing can be written, nothing is kept, and everything works as before.

A start of the atlas that finds its answer here imports this module and little else.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

try:
    from _blake2 import blake2b  # hashlib loads OpenSSL, which takes a twentieth of a start
except ImportError:  # a Python without it; `random` in the standard library goes the same way
    from hashlib import blake2b

from atlas_cli import __version__, files, paths

MOST_ENTRIES = 500  # every page in a few widths; the oldest quarter makes room
_PACKAGE = Path(__file__).resolve().parent
_TEMPORARY = ".tmp-"
_STALE_S = 3600.0  # a temporary file as old as this belongs to a process that was killed


def folder() -> Path:
    """Where entries lie."""
    return paths.cache_dir() / "shelf"


def get(slot: str, mark: str) -> Any:
    """The answer kept in a slot under this mark; None where there is none, or none that can be trusted."""
    try:
        whole = files.read(_path(slot))
    except (OSError, paths.NoHome):
        return None
    stated, _, text = whole.partition(b"\n")
    if stated != digest(mark, text).encode():
        return None
    import json

    return json.loads(text)


def put(slot: str, mark: str, answer: Any) -> None:
    """Keep an answer, which must be what JSON can hold, in place of the one in the slot."""
    import json

    text = json.dumps(answer, ensure_ascii=False).encode("utf-8", "surrogatepass")
    # No home, a read-only one, or a full disk: the next start works it out again.
    with suppress(OSError, paths.NoHome):
        path = _path(slot)
        temporary = path.with_name(f"{_TEMPORARY}{os.getpid()}-{path.name}")
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.write_bytes(digest(mark, text).encode() + b"\n" + text)
            # No fsync: an entry that a power cut tore does not have its digest.
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
        _prune(path.parent)


def atlas_mark() -> str:
    """Of every source, page, diagram and recipe of the atlas, and of the packages installed beside it.

    Files are told apart as git's index does it: by size, inode and the times of the last change. Looking at
    four hundred takes 2 ms; reading them would take ten.
    """
    shipped = (folder for folder in (paths.content_dir(), paths.recipes_dir()))
    roots = [_PACKAGE, *(root for root in shipped if not root.is_relative_to(_PACKAGE))]
    seen = [__version__, *_libraries()]
    for root in roots:
        _look(str(root), seen)
    return digest("\n".join(seen))


def mark_of(files: Iterable[str | Path]) -> str:
    """Of these files alone, whether they are there or not."""
    return "\n".join(_facts(file) for file in files)


def digest(*parts: str | bytes) -> str:
    """Of the parts and of where one ends, in 32 hexadecimal digits."""
    whole = blake2b(digest_size=16)
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        whole.update(b"%d " % len(data))
        whole.update(data)
    return whole.hexdigest()


def _facts(file: str | Path) -> str:
    try:
        stat = os.stat(file)
    except OSError:
        return f"{file} is not there"
    return f"{file} {stat.st_size} {stat.st_mtime_ns} {stat.st_ctime_ns} {stat.st_ino}"


def _look(root: str, seen: list[str]) -> None:
    """Add a line for each file below a folder; compiled Python and hidden files are left out."""
    inner = []
    try:
        entries = sorted(os.scandir(root), key=lambda entry: entry.name)
    except OSError:
        seen.append(f"{root} cannot be read")
        return
    for entry in entries:
        if entry.name[0] == "." or entry.name == "__pycache__":
            continue
        if entry.is_dir():
            inner.append(entry.path)
        else:
            seen.append(_facts(entry.path))
    for path in inner:
        _look(path, seen)


def _libraries() -> list[str]:
    """The folder in which rich lies: installing, upgrading or removing a package changes it."""
    import sys

    import rich

    return [sys.version, mark_of([os.path.dirname(path) for path in rich.__path__])]


def _path(slot: str) -> Path:
    return folder() / digest(str(_PACKAGE), slot)


def _prune(shelf: Path) -> None:
    """Take away the oldest entries where there are too many, and what killed processes left behind."""
    import time

    with os.scandir(shelf) as entries:
        found = sorted((entry.stat().st_mtime, entry.name) for entry in entries)
    killed = time.time() - _STALE_S
    gone = [name for written, name in found if name.startswith(_TEMPORARY) and written < killed]
    kept = [name for _, name in found if not name.startswith(_TEMPORARY)]
    if len(kept) > MOST_ENTRIES:
        gone += kept[: MOST_ENTRIES // 4]
    for name in gone:
        with suppress(OSError):  # another process was quicker
            (shelf / name).unlink()
