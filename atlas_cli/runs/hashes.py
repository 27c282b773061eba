"""What tells one run from every other: hashes of its recipe, weights, result and curve. Imports no torch."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from atlas_cli import files
from atlas_cli.errors import DataError
from atlas_cli.runs.durable import read_json
from atlas_cli.runs.folder import RunFolder
from atlas_cli.runs.naming import number_of

DIGITS = 16  # hexadecimal, of every hash that people compare by eye
_WEIGHTS = ("weights.safetensors", "ema.safetensors")


def of(run: RunFolder) -> dict[str, str | None]:
    """Of the files as they are now; None where there is none that can be read, or weights are damaged."""
    return {
        "recipe": _plain(run.info["hash"]),
        "weights": _newest_weights(run.checkpoints),
        "result": _of_file(run.path / "result.json"),
        "metrics": _of_file(run.path / "metrics.jsonl"),
    }


def _plain(value: object) -> str | None:
    """A hash that run.json states, whatever somebody has made of the file."""
    text = str(value)[:DIGITS]
    return text if re.fullmatch("[0-9a-f]+", text) else None


def of_weights(manifest: Mapping[str, Any]) -> str:
    """Tells a checkpoint's weights from all others, averaged ones included.

    Args:
        manifest: Size and SHA-256 of its files by name.
    """
    names = [name for name in _WEIGHTS if name in manifest]
    written = "".join(f"{name} {manifest[name].get('sha256')}\n" for name in names)
    return hashlib.sha256(written.encode()).hexdigest()[:DIGITS]


def _newest_weights(folder: Path) -> str | None:
    """Of the newest checkpoint, whose files are read: a manifest alone could be of other weights."""
    path = max(folder.glob("step-*"), key=lambda path: number_of(path.name, "step"), default=None)
    if path is None:
        return None
    try:
        listed = read_json(path / "manifest.json")["files"]
        for name in _WEIGHTS:
            if name in listed and _sha256(path / name) != listed[name]["sha256"]:
                return None
        return of_weights(listed)
    except (OSError, DataError, KeyError, TypeError, AttributeError):
        return None


def _of_file(path: Path) -> str | None:
    try:
        return _sha256(path)[:DIGITS]
    except OSError:
        return None


def _sha256(path: Path) -> str:
    return hashlib.sha256(files.read(path)).hexdigest()
