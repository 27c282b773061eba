"""The frame that an explorable shows first, shipped beside it, so that a page's first reading needs no torch.

It lies in explorables/<family>/<name>.json with a digest of every source that it is computed with: change one
of these lines, and the file is passed over and the frame computed. `make frames` writes the files anew; the
tests compute each frame again and compare.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from atlas_cli import files, shelf
from atlas_cli.diagrams.frames import Explorable, Value

_PACKAGE = Path(__file__).resolve().parents[1]
#: Rooms whose lines decide what a frame shows; the others carry it about.
_COMPUTING = ("explorables", "systems", "nets", "language", "data", "metrics", "mathematics")


def frame(explorable: Explorable, setting: Mapping[str, Value]) -> Any:
    """The frame as JSON has it; None where another setting is wanted, none is there, or code has changed."""
    if dict(setting) != explorable.defaults or explorable.fingerprint:
        return None
    try:
        shipped = json.loads(files.read(path(explorable)))
        made_from: dict[str, str] = shipped["made_from"]
        fresh = all(shelf.digest(files.read(_PACKAGE / name)) == mark for name, mark in made_from.items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None  # none, or a damaged one
    return shipped["frame"] if fresh and shipped.get("setting") == explorable.defaults else None


def path(explorable: Explorable) -> Path:
    """Where an explorable's frame is shipped: the file beside its own."""
    return _PACKAGE / "explorables" / explorable.family / f"{explorable.name.replace('-', '_')}.json"


def write(explorable: Explorable) -> None:
    """Compute the frame that is shown first and put it beside the explorable."""
    document = {
        "made_from": {
            str(source.relative_to(_PACKAGE).as_posix()): shelf.digest(source.read_bytes())
            for source in sources(path(explorable).with_suffix(".py"))
        },
        "setting": explorable.defaults,
        "frame": explorable.frame(explorable.defaults).as_dict(),
    }
    path(explorable).write_text(json.dumps(document, separators=(",", ":")) + "\n", encoding="utf-8")


def sources(of: Path) -> list[Path]:
    """The file, and every one that it imports, at any remove, in the rooms where something is computed."""
    found: set[Path] = set()
    waiting = [of]
    while waiting:
        file = waiting.pop()
        if file not in found:
            found.add(file)
            waiting += _imported(file)
    return sorted(found)


def _imported(file: Path) -> Iterator[Path]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            package, *parts = name.split(".")
            source = _PACKAGE.joinpath(*parts).with_suffix(".py")
            if package == "atlas_cli" and parts and parts[0] in _COMPUTING and source.is_file():
                yield source
