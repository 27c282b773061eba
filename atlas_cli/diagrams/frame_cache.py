"""Frames that were computed before, on disk, so that turning a knob back needs no torch.

A frame is kept under a hash of the atlas's own sources, the versions of what it computes with, and the
setting: change a line of code and every frame is computed anew. A frame of a trained run is kept under its
weights as well.
"""

from __future__ import annotations

import gc
import importlib.util
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from atlas_cli import files, paths, shelf
from atlas_cli.diagrams import frames, shipped, sketch
from atlas_cli.diagrams.frames import Explorable, Frame, Value
from atlas_cli.errors import EnvironmentFault
from atlas_cli.runs import durable

_PACKAGE = Path(__file__).resolve().parents[1]
_COMPUTES_WITH = ("torch", "numpy")
_PARTS: tuple[type[Any], ...] = (
    frames.Series, frames.Group, frames.Drag, frames.Link, sketch.Shape, sketch.Note,
    *frames.Panel.__subclasses__(),
)  # fmt: skip
_KINDS = {part.kind: part for part in _PARTS}


def frame_of(explorable: Explorable, setting: Mapping[str, Value]) -> Frame:
    """The frame of a setting, from disk if it was computed before or is shipped."""
    wanted = {**explorable.defaults, **setting}
    if explorable.packed:
        return explorable.frame(wanted)
    ready = shipped.frame(explorable, wanted)
    if ready is not None:
        return from_dict(ready)
    return from_dict(kept(explorable, wanted, lambda: explorable.frame(wanted).as_dict()))


def is_kept(explorable: Explorable, setting: Mapping[str, Value]) -> bool:
    """Whether the frame of a setting was computed before by the code as it is now."""
    wanted = {**explorable.defaults, **setting}
    return bool(explorable.packed) or shipped.frame(explorable, wanted) is not None or has(explorable, wanted)


def has(explorable: Explorable, what: object) -> bool:
    """Whether `kept` made this before."""
    with suppress(paths.NoHome):
        return _path(explorable, what).is_file()
    return False


def kept(explorable: Explorable, what: object, make: Callable[[], Any]) -> Any:
    """What `make` makes of an explorable, as JSON has it, from disk if it was made before.

    Args:
        explorable: Whose.
        what: Tells apart what is made of one explorable: a setting, a kind of package.
        make: Makes it.
    """
    with suppress(OSError, ValueError, paths.NoHome):  # there is none, or it was cut short
        return json.loads(files.read(_path(explorable, what)))
    gc.enable()  # a command starts without looking for garbage; computing may leave much
    text = json.dumps(make())
    with suppress(EnvironmentFault):  # a cache that cannot be written costs time and nothing else
        path = _path(explorable, what)
        durable.write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))
    return json.loads(text)


def from_dict(document: Mapping[str, Any]) -> Frame:
    """The inverse of `Frame.as_dict`."""
    panels = tuple(tuple(_made(panel) for panel in row) for row in document["panels"])
    return Frame(panels, document["caption"], document["facts"])


def _made(document: Any) -> Any:
    if isinstance(document, dict):
        values = {name: _made(value) for name, value in document.items() if name != "kind"}
        return _KINDS[document["kind"]](**values)
    return tuple(_made(item) for item in document) if isinstance(document, list) else document


def _path(explorable: Explorable, what: object) -> Path:
    depends = explorable.fingerprint
    if explorable.network:
        from atlas_cli.diagrams import networks

        depends += networks.mark(explorable.family, explorable.network)
    wanted = json.dumps([explorable.family, explorable.name, depends, what])
    key = shelf.digest(_code_hash(), wanted)[:24]
    return paths.cache_dir() / "frames" / f"{explorable.name}-{key}.json"


@cache
def _code_hash() -> str:
    """Of every source of the atlas: what an explorable computes with may lie in any of them."""
    state = shelf.atlas_mark()
    known = shelf.get("sources", state)
    if known is None:  # a file was touched; whether its text changed is another question
        known = shelf.digest(*_sources())
        shelf.put("sources", state, known)
    return str(known)


def _sources() -> Iterator[bytes]:
    for name in _COMPUTES_WITH:
        found = importlib.util.find_spec(name)  # importlib.metadata takes a fifth of a start
        yield Path(str(found and found.origin)).with_name("version.py").read_bytes()
    for path in sorted(_PACKAGE.rglob("*.py")):
        yield str(path.relative_to(_PACKAGE)).encode()
        yield path.read_bytes()
