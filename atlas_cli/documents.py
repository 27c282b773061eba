"""YAML as plain data, parsed once: what a text held is kept on the shelf under the text's own digest.

The facts of sixty pages take 30 ms to parse, and importing the parser 15 ms more, which is most of what a
start may take. A text that changed has another digest, so nothing here can be out of date. What the atlas's
own pages hold is shipped in content/parsed.json (`make frames` writes it), for the first start of all.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from atlas_cli import files, paths, shelf

_SLOT, _MARK = "documents", "1"  # the mark changes with the form of what is kept
_MOST = 1500  # the oldest go first


class _Memory:
    """Documents by the digest of their text; None until the shelf was looked at."""

    known: dict[str, Any] | None = None
    grew = False


def parse(text: str) -> Any:
    """The document that a YAML text holds; a caller may not change it.

    Raises:
        ValueError: it is not YAML.
    """
    if _Memory.known is None:
        _Memory.known = shelf.get(_SLOT, _MARK) or {}
    digest = shelf.digest(text)
    if digest not in _Memory.known:
        shipped = _shipped()
        document = shipped[digest] if digest in shipped else _parsed(text)
        if not _survives(document):
            return document
        _Memory.known[digest] = document
        _Memory.grew = True
    return _Memory.known[digest]


def keep() -> None:
    """Put what was parsed by this process on the shelf, for the next one."""
    if _Memory.known is not None and _Memory.grew:
        latest = list(_Memory.known.items())[-_MOST:]
        shelf.put(_SLOT, _MARK, dict(latest))
        _Memory.grew = False


def ship(texts: Iterable[str]) -> None:
    """Write what these texts hold to where `parse` finds it on a machine that never parsed them."""
    import json

    found = {shelf.digest(text): _parsed(text) for text in texts}
    kept = {digest: document for digest, document in sorted(found.items()) if _survives(document)}
    lines = (f"{json.dumps(digest)}: {json.dumps(document)}" for digest, document in kept.items())
    shipped_file().write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def shipped_file() -> Path:
    """Where the documents of the atlas's own pages lie, parsed."""
    return paths.content_dir() / "parsed.json"


@cache
def _shipped() -> dict[str, Any]:
    import json

    try:
        known = json.loads(files.read(shipped_file()))
    except (OSError, ValueError):  # a checkout in which it was taken away parses its pages
        return {}
    return known if isinstance(known, dict) else {}


def _parsed(text: str) -> Any:
    import yaml  # here: a start that finds all its documents on the shelf does without it

    try:
        return yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # C is eight times as fast
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


def _survives(document: Any) -> bool:
    """Whether JSON gives it back as it was: dates, NaN and keys that are numbers do not come through."""
    import json

    try:
        return bool(json.loads(json.dumps(document)) == document)
    except TypeError:
        return False
