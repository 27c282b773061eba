"""A run as one file that can be handed out; taking.py makes a run of it again.

The file is a zip whose entries are stored as they are: the run's JSON files and recipe, its curves, and the
checkpoints that others need, as safetensors. Pictures are left out, since `atlas sample` makes them again,
and so is what names places on the machine that it comes from.

    atlas-run.json    format, name, size and SHA-256 of every other entry
    run.json  recipe.yaml  environment.json  metrics.jsonl  result.json  ablation/metrics.jsonl
    checkpoints/best.json  checkpoints/step-<step>/...

Its last 64 bytes, the comment of the zip, are the SHA-256 of all before them: one changed byte is found
before anything is parsed. Nothing is ever unpickled.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, NamedTuple

from atlas_cli import __version__, files
from atlas_cli.errors import DataError, UsageError
from atlas_cli.runs import checkpoint
from atlas_cli.runs.durable import TEMPORARY, read_json, rename, write_fault
from atlas_cli.runs.find import list_runs
from atlas_cli.runs.folder import ABLATION, RunFolder

FORMAT = 1
ENDING = ".atlas"
MOST = 4 << 30  # bytes of a file; the largest recipes of the atlas take a hundredth of it
INDEX, DIGITS = "atlas-run.json", 64
_MAYBE = ("metrics.jsonl", "result.json", f"{ABLATION}/metrics.jsonl")
ENTRY = re.compile(
    rf"run\.json|recipe\.yaml|environment\.json|result\.json|({ABLATION}/)?metrics\.jsonl|checkpoints/best\.json"
    r"|checkpoints/step-\d{8,12}/(manifest\.json|state\.json|(weights|ema|rng|optimizer-[A-Za-z0-9_]{1,60})\.safetensors)"
)


class Packed(NamedTuple):
    """What was written."""

    file: Path
    size: int  # bytes
    steps: list[int]  # of the checkpoints in it


def pack(run: RunFolder, target: Path) -> Packed:
    """Write a run to one file.

    Raises:
        UsageError: a live process trains it, or it is too large.
        DataError: it has no checkpoint that is whole, or a file of it cannot be read.
        EnvironmentFault: the file cannot be written.
    """
    who = run.holder()
    if who is not None:
        raise UsageError(f"the run {run.name} is being trained by {who}", "wait for its end, or stop it")
    steps = _checkpoints(run)
    entries = dict(_contents(run, steps))
    size = sum(len(data) for data in entries.values())
    if size > MOST:
        raise UsageError(f"{run.name} holds {size:,} bytes, and a file at most {MOST:,}", "copy its folder")
    temporary = target.with_name(f"{TEMPORARY}{os.getpid()}-{target.name}")
    try:
        with temporary.open("w+b") as stream:
            _write(stream, run.name, entries)
        rename(temporary, target)
    except OSError as error:
        raise write_fault(error, target, size, "name another file: --save FILE") from error
    finally:
        with suppress(OSError):
            temporary.unlink()
    return Packed(target, target.stat().st_size, [int(path.name.split("-")[1]) for path in steps])


def _checkpoints(run: RunFolder) -> list[Path]:
    """The newest that is whole, the best, and those that runs beside it are built on."""
    newest, _ = checkpoint.newest_valid(run.checkpoints)
    found = {newest}
    best = checkpoint.read_best(run.checkpoints)
    if best is not None:
        found.add(checkpoint.path_of(run.checkpoints, best[0]))
    for other in list_runs(run.path.absolute().parent):
        for base in (other.bases or {}).values():
            path = checkpoint.with_weights(run.checkpoints, base.weights)
            found |= {path} if path is not None and path.name.startswith("step-") else set()
    for path in sorted(found - {newest}):
        checkpoint.load(path)  # a damaged one is named here and not where it is wanted
    return sorted(found)


def _contents(run: RunFolder, steps: list[Path]) -> Iterator[tuple[str, bytes]]:
    yield "run.json", _encoded({**read_json(run.path / "run.json"), "data_dir": None})
    environment = read_json(run.path / "environment.json")
    yield "environment.json", _encoded({key: environment[key] for key in environment if key != "argv"})
    there = ["recipe.yaml", *(name for name in _MAYBE if (run.path / name).is_file())]
    best = run.checkpoints / "best.json"
    there += ["checkpoints/best.json"] if best.is_file() else []
    there += [f"checkpoints/{path.name}/{file.name}" for path in steps for file in sorted(path.iterdir())]
    for name in there:
        if ENTRY.fullmatch(name):  # names with a dot come from file managers
            try:
                yield name, files.read(run.path / name, MOST)
            except OSError as error:
                what = f"{run.path / name} cannot be read: {error.strerror or error}"
                raise DataError(what, f"train it again: atlas train {run.info['recipe']}") from error


def _write(stream: IO[bytes], name: str, entries: Mapping[str, bytes]) -> None:
    """The zip, without a clock in it, and the hash of all of it as its comment."""
    listed = {
        entry: {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for entry, data in entries.items()
    }
    index = {"format": FORMAT, "atlas": __version__, "name": name, "files": listed}
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for entry, data in {INDEX: _encoded(index), **entries}.items():
            fact = zipfile.ZipInfo(entry)
            fact.external_attr = 0o644 << 16
            archive.writestr(fact, data)
        archive.comment = b"0" * DIGITS
    length = stream.seek(0, os.SEEK_END)
    whole = digest(stream, length)
    stream.seek(length - DIGITS)
    stream.write(whole)
    stream.flush()
    os.fsync(stream.fileno())


def digest(stream: IO[bytes], length: int) -> bytes:
    """Of all before the last 64 bytes, in that many hexadecimal digits."""
    stream.seek(0)
    whole, left = hashlib.sha256(), length - DIGITS
    while left > 0 and (piece := stream.read(min(left, 1 << 20))):
        whole.update(piece)
        left -= len(piece)
    return whole.hexdigest().encode()


def _encoded(document: Mapping[str, Any]) -> bytes:
    return (json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()
