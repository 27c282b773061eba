"""Checkpoints: a folder a step, written whole or not at all, verified before anything in it is used.

checkpoints/best.json              the best step and its metric
checkpoints/step-00003000/
    weights.safetensors  ema.safetensors  optimizer-<name>.safetensors  rng.safetensors
    state.json                     step, info, optimizer fields, order and memory layout of the tensors
    manifest.json                  written last: size and SHA-256 of every other file

Nothing is ever unpickled: a pickle runs code when it is read.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import Tensor

from atlas_cli.errors import DataError
from atlas_cli.files import opened
from atlas_cli.runs import hashes
from atlas_cli.runs.durable import (
    TEMPORARY,
    full_fault,
    read_json,
    rename,
    sync_folder,
    write_fault,
    write_json,
    write_synced,
)
from atlas_cli.runs.finite import not_finite as not_finite
from atlas_cli.runs.packing import from_bytes, pack, size_of, to_bytes, unpack
from atlas_cli.runs.rng import capture_rng as capture_rng
from atlas_cli.runs.rng import restore_rng as restore_rng
from atlas_cli.runs.state import TrainState as TrainState
from atlas_cli.runs.state import fault

FORMAT = 1
_MANIFEST, _STATE, _BEST = "manifest.json", "state.json", "best.json"
_OLD = ".old-"  # a checkpoint of the same step that is just being replaced
_PLAIN_NAME = re.compile(r"state\.json|(weights|ema|rng|optimizer-[A-Za-z0-9_]+)\.safetensors")
_PICKLES = {".pt", ".pth", ".pkl", ".pickle", ".bin", ".ckpt"}
_OVERHEAD = 64 * 1024  # JSON and file system blocks
_HINT = "--resume goes on from the newest good checkpoint; or delete this one"


# --- saving ------------------------------------------------------------------------------------------


def save(folder: Path, state: TrainState) -> Path:
    """Write `folder`/step-<step>; a crash at any moment leaves the earlier checkpoints as they were.

    Raises:
        EnvironmentFault: the disk is full (bytes needed and free are named) or cannot be written.
    """
    target = path_of(folder, state.step)
    temporary = folder / f"{TEMPORARY}{target.name}-{os.getpid()}"
    groups, document = _tensor_files(state)
    needed = _OVERHEAD + len(json.dumps(document)) + sum(size_of(group) for group in groups.values())
    try:
        free = shutil.disk_usage(folder).free
        if free < needed:
            raise full_fault(target, needed, free)
        shutil.rmtree(temporary, ignore_errors=True)  # of a killed process with the same id
        temporary.mkdir()
        _write_files(temporary, groups, document)
        _publish(temporary, target)
    except OSError as error:
        shutil.rmtree(temporary, ignore_errors=True)  # first: the free bytes that are named count it
        raise write_fault(error, target, needed) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return target


def _tensor_files(state: TrainState) -> tuple[dict[str, dict[str, Tensor]], dict[str, Any]]:
    """Tensors by file stem, and the JSON that refers to them."""
    groups = {"weights": state.weights, "rng": state.rng}
    if state.ema is not None:
        groups["ema"] = state.ema
    optimizers: dict[str, Any] = {}
    for name, fields in state.optimizers.items():
        if not _PLAIN_NAME.fullmatch(f"optimizer-{name}.safetensors"):
            raise ValueError(f"the optimizer name {name!r} is not made of letters, digits and _")
        tensors: dict[str, Tensor] = {}
        optimizers[name] = pack(fields, tensors)
        groups[f"optimizer-{name}"] = tensors
    nothing: dict[str, Tensor] = {}
    info = pack(state.info, nothing)
    if nothing:
        raise TypeError(f"info holds a tensor: {next(iter(nothing))}")
    return groups, {"step": state.step, "info": info, "optimizers": optimizers}


def _write_files(folder: Path, groups: dict[str, dict[str, Tensor]], document: dict[str, Any]) -> None:
    files: dict[str, dict[str, Any]] = {}

    def write(name: str, data: bytes) -> None:
        write_synced(folder / name, data)
        files[name] = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}

    layouts = {}
    for stem, tensors in groups.items():
        data, layouts[stem] = to_bytes(tensors)
        write(f"{stem}.safetensors", data)
    write(_STATE, json.dumps(document | {"tensors": layouts}, allow_nan=False).encode())
    manifest = json.dumps({"format": FORMAT, "files": files}, indent=1).encode()
    write_synced(folder / _MANIFEST, manifest)
    sync_folder(folder)


def _publish(temporary: Path, target: Path) -> None:
    """Rename to the final name. A checkpoint of the same step keeps counting until the new one stands."""
    old = target.with_name(_OLD + target.name)
    if target.exists():
        shutil.rmtree(old, ignore_errors=True)
        rename(target, old)
    try:
        rename(temporary, target)
    except BaseException:
        if old.exists():
            rename(old, target)
        raise
    sync_folder(target.parent)
    shutil.rmtree(old, ignore_errors=True)


# --- loading -----------------------------------------------------------------------------------------


def load(path: Path) -> TrainState:
    """Read a checkpoint; every file is verified before it is parsed. Tensors come back on the CPU.

    Raises:
        DataError: a file is missing, empty, altered, a link, a pickle or not named in the manifest.
    """
    contents = {name: _read_verified(path, name, expected) for name, expected in _manifest(path).items()}
    try:
        document = json.loads(contents[_STATE])
        groups = {
            stem: _tensors(path, f"{stem}.safetensors", contents, layout)
            for stem, layout in document["tensors"].items()
        }
        return TrainState(
            step=int(document["step"]),
            weights=groups["weights"],
            ema=groups.get("ema"),
            optimizers={
                name: unpack(fields, groups[f"optimizer-{name}"])
                for name, fields in document["optimizers"].items()
            },
            rng=groups["rng"],
            info=unpack(document["info"], {}),
        )
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise DataError(f"{path / _STATE} is not a checkpoint's state ({error!r})", _HINT) from error


def weights_hash(path: Path) -> str:
    """16 hex digits that tell a checkpoint's weights from all others, averaged ones included.

    Raises:
        DataError: the manifest cannot be read.
    """
    return hashes.of_weights(_manifest(path))


def with_weights(folder: Path, wanted: str) -> Path | None:
    """The newest checkpoint in the folder that holds the weights with this hash, if one does."""
    for path in reversed(_all(folder)):
        try:
            if weights_hash(path) == wanted:
                return path
        except DataError:  # damaged: it may be any weights'
            continue
    return None


def _tensors(path: Path, name: str, contents: dict[str, bytes], layout: Any) -> dict[str, Tensor]:
    if name not in contents:
        raise _bad(path, name, "is not named in the manifest")
    try:
        return from_bytes(contents[name], layout)
    except ValueError as error:
        raise _bad(path, name, f"cannot be read: {error}") from error


def _manifest(path: Path) -> dict[str, Any]:
    """Size and SHA-256 of every file by name; refuses pickles, links and names that do not belong here."""
    if path.suffix in _PICKLES and not path.is_dir():
        raise DataError(f"{path} is a pickle, which runs code when it is read; it was not opened", _HINT)
    if not path.is_dir():
        raise DataError(f"{path} is not a checkpoint folder", "list the runs: atlas run ls")
    for entry in sorted(path.iterdir()):
        _check_entry(path, entry)
    manifest = read_json(path / _MANIFEST)
    if manifest.get("format") != FORMAT:
        what = f"{path / _MANIFEST} has the format {manifest.get('format')!r}, this atlas reads {FORMAT}"
        raise DataError(what, "use the version of atlas that wrote it: environment.json of the run names it")
    files = manifest.get("files")
    if not isinstance(files, dict) or not files.keys() >= {_STATE, "weights.safetensors", "rng.safetensors"}:
        raise _bad(path, _MANIFEST, "does not name the files of a checkpoint")
    for name in files:
        if not _PLAIN_NAME.fullmatch(name):
            raise _bad(
                path, _MANIFEST, f"names {name!r}, which is no file of a checkpoint; it was not opened"
            )
    for entry in sorted(path.iterdir()):
        # Names with a dot come from file managers and network disks; they are never read.
        if entry.name not in files and entry.name != _MANIFEST and not entry.name.startswith("."):
            raise _bad(path, entry.name, "is not named in the manifest; it was not opened")
    return files


def _check_entry(path: Path, entry: Path) -> None:
    if entry.suffix in _PICKLES:
        raise _bad(path, entry.name, "is a pickle, which runs code when it is read; it was not opened")
    if entry.is_symlink():
        raise _bad(path, entry.name, "is a link; it was not followed")


def _read_verified(path: Path, name: str, expected: Any) -> bytes:
    """Read once, so that what is parsed is what was verified."""
    try:
        with opened(path / name) as file:
            size = os.fstat(file.fileno()).st_size
            if not isinstance(expected, dict) or not size:
                raise _bad(path, name, "is empty")
            if size != expected.get("size"):  # before a byte of it is read: it may be a terabyte of nothing
                raise _bad(path, name, f"has {size:,} bytes and was written with {expected.get('size')}")
            data = file.read()
    except FileNotFoundError as error:
        raise _bad(path, name, "is missing") from error
    except OSError as error:
        raise _bad(path, name, f"cannot be read: {error.strerror}") from error
    if hashlib.sha256(data).hexdigest() != expected.get("sha256"):
        raise _bad(path, name, "is not as it was written: its SHA-256 differs from the manifest's")
    return data


def _bad(path: Path, name: str, reason: str) -> DataError:
    return DataError(f"{path / name} {reason}", _HINT)


# --- the folder of checkpoints -----------------------------------------------------------------------


def newest_valid(
    folder: Path, require: Callable[[Path, TrainState], None] | None = None
) -> tuple[Path, list[str]]:
    """The newest checkpoint that verifies and is sound, and a line for every newer one that is not.

    Args:
        folder: The run's.
        require: Raises a DataError of a checkpoint that will not do for a reason of the caller's.

    Raises:
        DataError: there is none.
    """
    skipped: list[str] = []
    for path in reversed(_all(folder)):
        try:
            _require_usable(path, require)
            return path, skipped
        except DataError as error:
            skipped.append(f"skipped {path.name}: {error.what}")
    what = f"no good checkpoint in {folder}" if skipped else f"no checkpoint in {folder} yet"
    raise DataError(what, "start a new run without --resume", skipped)


def _require_usable(path: Path, require: Callable[[Path, TrainState], None] | None) -> None:
    state = load(path)
    found = fault(state)
    if found is not None:
        raise _bad(path, *found)
    if state.step != _step(path):
        raise _bad(path, _STATE, f"says it is of step {state.step}")
    if require is not None:
        require(path, state)


def discard_after(folder: Path, step: int) -> None:
    """Remove what lies past the step that a resume goes on from: it failed to verify, or is orphaned.

    Left in place, damaged checkpoints of later steps would push good ones out of the newest three.
    """
    best = _best_record(folder)
    if best is not None and best[0] > step:
        (folder / _BEST).unlink()
    for path in _all(folder):
        if _step(path) > step:
            shutil.rmtree(path)


def clear_leftovers(folder: Path) -> None:
    """Remove what a killed save or prune left; a checkpoint whose replacement never came is put back."""
    for path in sorted(folder.glob(f"{TEMPORARY}*")):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    for old in sorted(folder.glob(f"{_OLD}step-*")):
        target = old.with_name(old.name.removeprefix(_OLD))
        shutil.rmtree(old) if target.exists() else rename(old, target)


def prune(folder: Path, keep: int = 3, best: str | None = None) -> None:
    """Remove all checkpoints but the newest `keep` and the one called `best`."""
    paths = _all(folder)
    for path in paths[: max(0, len(paths) - keep)]:
        if path.name == best:
            continue
        doomed = path.with_name(TEMPORARY + path.name)  # half removed it must not pass for a checkpoint
        try:
            rename(path, doomed)
        except OSError:  # open in another program (Windows): the next prune tries again
            continue
        shutil.rmtree(doomed, ignore_errors=True)


def update_best(folder: Path, step: int, metric: float) -> bool:
    """Write best.json if `metric` is the lowest so far; NaN and infinity never are. Returns if it was."""
    best = read_best(folder)
    if not math.isfinite(metric) or (best is not None and best[1] <= metric):
        return False
    write_json(folder / _BEST, {"step": step, "metric": float(metric)})
    return True


def read_best(folder: Path) -> tuple[int, float] | None:
    """Step and metric of the best checkpoint, or None if there is none (any more)."""
    best = _best_record(folder)
    return best if best is not None and path_of(folder, best[0]).is_dir() else None


def _best_record(folder: Path) -> tuple[int, float] | None:
    path = folder / _BEST
    if not path.exists():
        return None
    document = read_json(path)
    try:
        return int(document["step"]), float(document["metric"])
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path} names no best step", f"delete {path}") from error


def newest_step(folder: Path) -> int | None:
    """The step of the newest checkpoint, good or not; None if there is none."""
    return max(map(_step, _all(folder)), default=None)


def path_of(folder: Path, step: int) -> Path:
    """Where the checkpoint of a step lies."""
    return folder / f"step-{step:08d}"


def _all(folder: Path) -> list[Path]:
    """Checkpoints, good or not, oldest first; one set aside counts while its replacement is missing."""
    found = {}
    for pattern in (f"{_OLD}step-*", "step-*"):
        for path in folder.glob(pattern):
            if _step(path) >= 0 and path.is_dir() and not path.is_symlink():
                found[_step(path)] = path
    return [found[step] for step in sorted(found)]


def _step(path: Path) -> int:
    match = re.fullmatch(rf"({re.escape(_OLD)})?step-(\d{{8,}})", path.name)
    return int(match[2]) if match else -1
