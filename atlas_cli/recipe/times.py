"""How long what a recipe builds on takes to train, as it was measured; the files are read, not validated."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from atlas_cli.recipe.source import Parent, find, read


def parents_seconds(name: str) -> dict[str, float | None]:
    """Recipe -> seconds of its training, for all that a recipe builds on, the first to be trained first.

    Args:
        name: "kv-cache/small".

    Returns:
        None for the seconds of a recipe that was never measured.
    """
    return dict(_ancestors(name))


def seconds(name: str) -> float | None:
    """How long a recipe takes to train by itself; None where it was never measured."""
    return seconds_of(_read(name).get("measured"))


def seconds_of(measured: Any) -> float | None:
    """Training seconds out of a `measured:` section: those of a plain laptop, where they were timed."""
    if not isinstance(measured, dict):
        return None
    timed = measured.get("timed")
    laptop = timed.get("fp32_avx2") if isinstance(timed, dict) else None
    return measured.get("seconds") if laptop is None else laptop


def _ancestors(name: str) -> Iterator[tuple[str, float | None]]:
    said = _read(name).get("from")
    for text in said.values() if isinstance(said, dict) else [said] if isinstance(said, str) else []:
        parent = Parent.parse(str(text)).ref
        yield from _ancestors(parent)
        yield parent, seconds_of(_read(parent).get("measured"))


@cache
def _read(name: str) -> dict[str, Any]:
    data: dict[str, Any] = read(find(name)).data
    return data
