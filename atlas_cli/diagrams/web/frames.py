"""The frames of an explorable for a web page: every setting of its knobs, computed here and packed small.

Arrays of numbers become differences of whole numbers (what stands still is then zeros), stored once however
many frames show them; the whole is deflated. assets/scripts/frames.js undoes both.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterator
from itertools import product
from math import prod
from typing import Any

from atlas_cli.diagrams.frame_cache import has, kept
from atlas_cli.diagrams.frames import Explorable, Knob, Value

MOST_BYTES = 300_000  # of packed frames in one page
MOST_FRAMES = 900  # at some milliseconds each, a page is made within seconds
_FINE, _COARSE = 4095, 255  # levels: for positions, for shades
_FEW = (8, 16, 24, 32)  # levels of pictures that are drawn in few shades
_OFF = 0.02  # of a step: numbers are rounded to four digits
_FIRST_LETTER = 48
_NUMBERS = {float, int}
_SHORT = 12  # lists up to this long stay as they are
_SHADED = {"rows", "images", "ground"}  # fields that hold shades


def pack(explorable: Explorable) -> tuple[list[dict[str, Any]], str]:
    """The knobs as the page has them, and the frames of all their settings as packed text.

    Sliders lose values, evenly and never the default, until the frames are few and small enough. A package
    that was made before comes from disk.
    """
    knobs = [knob.as_dict() for knob in explorable.knobs]
    if explorable.packed:
        return knobs, explorable.packed
    values, text = kept(explorable, _package(knobs), lambda: packed(explorable))
    return [knob | {"values": left} for knob, left in zip(knobs, values, strict=True)], text


def is_packed(explorable: Explorable) -> bool:
    """Whether `pack` finds what it needs on disk."""
    return bool(explorable.packed) or has(explorable, _package([knob.as_dict() for knob in explorable.knobs]))


def _package(knobs: list[dict[str, Any]]) -> list[Any]:
    return ["package", MOST_FRAMES, MOST_BYTES, knobs]


def packed(explorable: Explorable, most_bytes: int = 0) -> tuple[list[list[Value]], str]:
    """The values that the knobs keep, and the packed frames, of at most so many bytes; 0: as a page holds."""
    most_bytes = most_bytes or MOST_BYTES
    values = [list(knob.values) for knob in explorable.knobs]
    while (
        prod(map(len, values)) > MOST_FRAMES
        and (longest := _longest_slider(explorable.knobs, values)) is not None
    ):
        values[longest] = _thinned(values[longest], explorable.knobs[longest].default)
    while True:
        text = deflated(_frames(explorable, values))
        longest = _longest_slider(explorable.knobs, values)
        if len(text) <= most_bytes or longest is None:
            return values, text
        values[longest] = _thinned(values[longest], explorable.knobs[longest].default)


def _longest_slider(knobs: tuple[Knob, ...], values: list[list[Value]]) -> int | None:
    """The amount that can best do with fewer values; names are never dropped."""
    amounts = [i for i, knob in enumerate(knobs) if knob.kind != "choice" and len(values[i]) > 5]
    return max(amounts, key=lambda i: len(values[i]), default=None)


def _thinned(values: list[Value], default: Value) -> list[Value]:
    """About two thirds of the values, evenly spread, with both ends and the default."""
    kept = {round(i * (len(values) - 1) / (n - 1)) for n in [max(len(values) * 2 // 3, 3)] for i in range(n)}
    return [value for i, value in enumerate(values) if i in kept or value == default]


def _frames(explorable: Explorable, values: list[list[Value]]) -> dict[str, Any]:
    """All frames, the last knob turning fastest, and the arrays that they show."""
    pool = _Pool()
    names = [knob.name for knob in explorable.knobs]
    frames = [
        pool.packed(explorable.frame(dict(zip(names, setting, strict=True))).as_dict())
        for setting in product(*values)
    ]
    return {"frames": frames, "arrays": pool.arrays}


def deflated(data: dict[str, Any]) -> str:
    """JSON as packed text."""
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False)
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode()


class _Pool:
    """Arrays by content, each once."""

    def __init__(self) -> None:
        self.arrays: list[dict[str, Any]] = []
        self._places: dict[str, int] = {}

    def packed(self, value: Any, field: str = "", exact: bool = False) -> Any:
        """The value with its arrays replaced by their places in the pool."""
        if isinstance(value, dict):
            # Small numbers matter on a logarithmic axis, where even levels would flatten them.
            exact = exact or bool(value.get("log_x") or value.get("log_y"))
            return {name: self.packed(item, name, exact) for name, item in value.items()}
        if not isinstance(value, list):
            return value
        shape = _shape(value)
        if shape is None or prod(shape) <= _SHORT or exact:
            return [self.packed(item, field, exact) for item in value]
        return {"array": self._place(list(_flat(value)), shape, _COARSE if field in _SHADED else _FINE)}

    def _place(self, numbers: list[float], shape: tuple[int, ...], levels: int) -> int:
        low, high = min(numbers), max(numbers)
        few = _few_levels(numbers, low, high) if levels == _COARSE else 0
        step = (high - low) / (few or levels)
        whole = [round((number - low) / step) if step else 0 for number in numbers]
        entry: dict[str, Any] = {"shape": shape, "low": low, "step": step}
        if few:  # noise has no neighbours to lean on
            entry["letters"] = "".join(chr(_FIRST_LETTER + n) for n in whole)
        else:
            stride = shape[-1] if len(shape) > 1 and shape[-1] == 2 else 1  # x after x and y after y
            differences = [n - (whole[i - stride] if i >= stride else 0) for i, n in enumerate(whole)]
            entry |= {"stride": stride, "differences": differences}
        key = json.dumps(entry)
        if key not in self._places:
            self._places[key] = len(self.arrays)
            self.arrays.append(entry)
        return self._places[key]


def _few_levels(numbers: list[float], low: float, high: float) -> int:
    """How many even steps from low to high reach all of the numbers; 0 where it takes more than a few."""
    for levels in _FEW:
        step = (high - low) / levels
        if step and all(abs((n - low) / step - round((n - low) / step)) < _OFF for n in set(numbers)):
            return levels
    return 0


def _shape(value: Any) -> tuple[int, ...] | None:
    """Lengths of nested lists of numbers that are all of one shape; None where they are something else."""
    if isinstance(value, bool) or not isinstance(value, list | int | float):
        return None
    if not isinstance(value, list):
        return ()
    if set(map(type, value)) <= _NUMBERS and value:
        return (len(value),)
    shapes = {_shape(item) for item in value}
    inner = next(iter(shapes), None)
    return (len(value), *inner) if len(shapes) == 1 and inner is not None else None


def _flat(value: list[Any]) -> Iterator[float]:
    for item in value:
        if isinstance(item, list):
            yield from _flat(item)
        else:
            yield item
