"""Sliders that stand anywhere between their values, where frames are computed on demand."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from atlas_cli.diagrams.frames import Knob, Value

_BETWEEN = 200  # values of a slider that had a few


def continuous(knob: Knob) -> Knob:
    """A slider with what lies between its values: every whole number, or small even steps."""
    if knob.kind == "choice" or len(knob.values) < 2:
        return knob
    if whole(knob):
        low, high = int(knob.values[0]), int(knob.values[-1])
        return replace(knob, values=tuple(range(low, high + 1))) if low < high else knob
    parts = -(-_BETWEEN // (len(knob.values) - 1))
    values: list[Value] = [knob.values[0]]
    for a, b in pairwise(map(float, knob.values)):
        values += [*(float(f"{a + (b - a) * i / parts:.6g}") for i in range(1, parts)), b]
    return replace(knob, values=tuple(values))


def whole(knob: Knob) -> bool:
    """Whether it counts."""
    return all(isinstance(value, int) for value in knob.values)
