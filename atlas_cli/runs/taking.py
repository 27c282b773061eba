"""A run out of the file that handing.py wrote. What comes from elsewhere is never believed.

The hash of the whole file is compared before anything in it is parsed, every name, size and hash before
anything is written, and the checkpoints before there is a run. Nothing is ever unpickled.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import time
import zipfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from atlas_cli import files
from atlas_cli.errors import DataError, UsageError, quoted
from atlas_cli.runs import checkpoint
from atlas_cli.runs.durable import TEMPORARY, full_fault, rename, write_fault, write_json
from atlas_cli.runs.folder import RunFolder
from atlas_cli.runs.handing import DIGITS, ENTRY, FORMAT, INDEX, MOST, digest
from atlas_cli.runs.naming import require_free, require_name, require_writable

_MOST_ENTRIES = 1000
_WANTED = ("run.json", "recipe.yaml", "environment.json")
_PICKLED = (".pt", ".pth", ".pkl", ".pickle", ".ckpt")
_UNPACKING = f"{TEMPORARY}import-"
_KILLED_S = 3600.0  # a folder of an import that was ended, as old as this, is taken away
_HINT = "ask for the file again; it is made by: atlas run export RUN --format run"


def unpack(
    path: Path, root: Path, require: Callable[[RunFolder], None], name: str | None = None, force: bool = False
) -> RunFolder:
    """Make a run of such a file; until all of it was verified there is none.

    Args:
        path: The file.
        root: The folder of the runs.
        require: Raises an error of a run that cannot be used here.
        name: What the run is called from now on; None: as it was called.
        force: Put it in the place of a run of that name.

    Raises:
        UsageError: there is no such file, or there is a run of that name already.
        DataError: it is no such file, or not as it was written.
        EnvironmentFault: the folder of the runs cannot be written.
    """
    with _opened(path) as stream:
        size = os.fstat(stream.fileno()).st_size
        _require_whole(path, stream, size)
        archive = _archive(path, stream)
        index = _index(path, archive, size)
        called = index["name"] if name is None else name
        _require_place(root, called, force)
        require_writable(root)
        target = root / called
        folder = root / f"{_UNPACKING}{os.getpid()}"
        _clear_killed(root)
        try:
            run = RunFolder(folder / called)
            _write_out(path, archive, index["files"], run)
            _require_run(path, run, require)
            when = datetime.now(UTC).isoformat(timespec="seconds")
            write_json(run.path / "run.json", run.info | {"imported": {"name": index["name"], "at": when}})
            _publish(run.path, target, folder)
        except OSError as error:
            raise write_fault(error, target, size) from error
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return RunFolder(target)


def _opened(path: Path) -> IO[bytes]:
    if path.suffix in _PICKLED:
        raise _pickle(path, "is")
    try:
        return files.opened(path)
    except FileNotFoundError as error:
        raise UsageError(f"there is no file {path}", "atlas run import FILE") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}", _HINT) from error


def _pickle(path: Path, verb: str) -> DataError:
    return DataError(
        f"{path} {verb} a pickle, which runs code when it is read; it was not opened",
        "a run is handed out by: atlas run export RUN --format run",
    )


def _require_whole(path: Path, stream: IO[bytes], size: int) -> None:
    """The hash of the file, before anything in it is parsed."""
    if size > MOST:
        raise DataError(f"{path} holds {size:,} bytes, and a run's file at most {MOST:,}", _HINT)
    begins = stream.read(4)
    if begins[:1] == b"\x80":
        raise _pickle(path, "is")
    stream.seek(max(0, size - DIGITS))
    stated = stream.read()
    if begins != b"PK\x03\x04":
        raise DataError(f"{path} is no run that atlas has exported", _HINT)
    if not re.fullmatch(rb"[0-9a-f]{64}", stated):
        if any(
            name.endswith(_PICKLED) for name in _archive(path, stream).namelist()
        ):  # torch.save's are zips
            raise _pickle(path, "holds")
        raise DataError(f"{path} is no run that atlas has exported, or its end is missing", _HINT)
    if digest(stream, size) != stated:
        raise DataError(f"{path} is not as it was written: its SHA-256 is not the one at its end", _HINT)


def _archive(path: Path, stream: IO[bytes]) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(stream)
    except Exception as error:  # zipfile says what is wrong with a file in many kinds of exceptions
        raise DataError(f"{path} is no zip: {error}", _HINT) from error


def _index(path: Path, archive: zipfile.ZipFile, size: int) -> dict[str, Any]:
    """What the file says of itself, once it agrees with what lies in it."""
    entries = archive.infolist()
    for entry in entries:
        _require_plain(path, entry)
    if len(entries) > _MOST_ENTRIES or sum(entry.file_size for entry in entries) > size:
        raise DataError(f"{path} unpacks to more than it holds; it was not unpacked", _HINT)
    names = [entry.filename for entry in entries]
    try:
        index = json.loads(_read(path, archive, INDEX))
        if index["format"] != FORMAT:
            what = f"{path} has the format {str(index['format'])[:20]}, this atlas reads {FORMAT}"
            raise DataError(what, f"use the version of atlas that wrote it: {str(index.get('atlas'))[:20]}")
        listed, name = index["files"], index["name"]
        fits = (
            isinstance(name, str) and isinstance(listed, dict) and sorted([*listed, INDEX]) == sorted(names)
        )
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise DataError(f"{path} does not say what is in it ({error!r})", _HINT) from error
    if not fits or not {*_WANTED} <= {*names}:
        raise DataError(f"{path} does not hold the files of a run", _HINT)
    return {"name": name, "files": listed}


def _require_plain(path: Path, entry: zipfile.ZipInfo) -> None:
    """Refuse what no run holds: places outside of it, links, pickles, what is packed or locked."""
    name = entry.filename
    if name.endswith(_PICKLED):
        raise _pickle(path, f"holds {quoted(name)},")
    if (entry.external_attr >> 16) & 0o170000 not in (0, 0o100000):
        raise DataError(f"{path} holds {quoted(name)}, a link or no file; it was not unpacked", _HINT)
    if name != INDEX and not ENTRY.fullmatch(name):
        raise DataError(f"{path} holds {quoted(name)}, which is no file of a run; it was not unpacked", _HINT)
    if (
        entry.compress_type != zipfile.ZIP_STORED
        or entry.flag_bits & 1
        or entry.compress_size != entry.file_size
    ):
        raise DataError(f"{path} holds {quoted(name)} packed or locked; it was not unpacked", _HINT)
    if not name.endswith((".safetensors", "metrics.jsonl")) and entry.file_size > files.MOST_TEXT:
        raise DataError(f"{path} holds {quoted(name)} of {entry.file_size:,} bytes; it was not read", _HINT)


def _read(path: Path, archive: zipfile.ZipFile, name: str) -> bytes:
    try:
        return archive.read(name)
    except KeyError:
        raise
    except Exception as error:  # as in `_archive`
        raise DataError(f"{path} is damaged at {quoted(name)}: {error}", _HINT) from error


def _require_place(root: Path, name: str, force: bool) -> None:
    if not force:
        require_free(root, name, "replace it: --force, or take another name: --name NEW")
        return
    require_name(name)
    if (root / name).exists() and not (root / name / "run.json").is_file():
        raise UsageError(f"{root / name} is there, and is no run", "name it otherwise: --name NEW")
    who = RunFolder(root / name).holder() if (root / name).exists() else None
    if who is not None:
        raise UsageError(f"the run {name} is being trained by {who}", "stop it first, or --name NEW")


def _write_out(path: Path, archive: zipfile.ZipFile, listed: Mapping[str, Any], run: RunFolder) -> None:
    """Every file, once its size and hash are as the index says."""
    needed = sum(entry.file_size for entry in archive.infolist())
    free = shutil.disk_usage(run.path.parent.parent).free
    if free < needed:
        raise full_fault(run.path, needed, free)
    for folder in (run.samples, run.checkpoints):
        folder.mkdir(parents=True)
    for name, expected in listed.items():
        data = _read(path, archive, name)
        if expected != {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}:
            raise DataError(f"{path}: {name} is not as it was written", _HINT)
        place = run.path / name  # the pattern of names lets none out of the folder
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())


def _require_run(path: Path, run: RunFolder, require: Callable[[RunFolder], None]) -> None:
    """What `atlas sample` and `--resume` would fail of later."""
    if not isinstance(run.info["recipe"], str) or run.bases is None:
        raise DataError(f"{path} does not say what was trained, and on what it is built", _HINT)
    run.read_metrics()
    for step in sorted(run.checkpoints.glob("step-*")):
        checkpoint.load(step)
    checkpoint.newest_valid(run.checkpoints)
    checkpoint.read_best(run.checkpoints)
    require(run)


def _publish(made: Path, target: Path, folder: Path) -> None:
    """Rename into place; the run that was there before is gone only then."""
    if target.exists():
        rename(target, folder / "before")
    try:
        rename(made, target)
    except BaseException:
        if (folder / "before").exists():
            rename(folder / "before", target)
        raise


def _clear_killed(root: Path) -> None:
    for left in root.glob(f"{_UNPACKING}*"):
        old = left.is_dir() and left.stat().st_mtime < time.time() - _KILLED_S
        if old and not (left / "before").exists():  # which is somebody's run
            shutil.rmtree(left, ignore_errors=True)
