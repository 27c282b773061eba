"""Numbers held within their levels."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake


def inputs(draw: Draw) -> tuple[Any, ...]:
    """Levels of three numbers, and vectors of them."""
    levels = draw.pick(((8, 5, 4), (3, 4, 6), (7, 2, 8)))
    return _quantiser(*levels), 2 * draw.normal(6, 3)


def _quantiser(*levels: int) -> Any:
    import torch

    return SimpleNamespace(levels=torch.tensor(levels))


def far_out(bound: Function) -> tuple[Any, Any]:
    """Five levels are -2 ... 2, four are -2 ... 1: as far as large numbers come, and 0.1% beyond."""
    import torch

    ends = torch.tensor([2 * 1.001, 1.5 * 1.001 - 0.5])
    return bound(_quantiser(5, 4), torch.tensor([50.0, 50.0])), ends


def in_the_middle(bound: Function) -> tuple[Any, Any]:
    """0 stays 0, whether there is a level in the middle or not; then an odd one at z = ln 2: tanh is 3/5."""
    import torch

    given = torch.tensor([[0.0, 0.0], [math.log(2), 0.0]])
    return bound(_quantiser(5, 4), given), torch.tensor([[0.0, 0.0], [2 * 1.001 * 0.6, 0.0]])


EXERCISE = Exercise(
    topic="fsq",
    name="bound",
    title="numbers held within their levels",
    task="""
        Return f(z): each number of z bounded smoothly, so that rounding it gives whole numbers, as many as it
        has levels (`self.levels`). The reach is half the distance of the outermost levels, and `EDGE` of it
        beyond. An even number of levels has no middle one: move everything down by a half, and shift z so
        that f(0) is 0.
        """,
    equation=r"f(z) = r \tanh(z + a) - o \qquad r = \frac{(L - 1)(1 + \varepsilon)}{2} \qquad "
    r"a = \mathrm{artanh}\, \frac{o}{r}",
    hints=(
        "L levels a step of 1 apart lie L - 1 apart from end to end: that times (1 + EDGE) / 2 is the reach.",
        "`torch.where(self.levels % 2 == 0, 0.5, 0.0)` is the offset o.",
        "The shift is `(offset / reach).atanh()`: of it tanh, times the reach, is the offset, and less the "
        "offset 0.",
    ),
    mistakes=(
        Mistake(
            "(self.levels - 1) * (1 + EDGE)",
            "self.levels * (1 + EDGE)",
            "you took L for the distance between the ends: L levels have L - 1 steps between them",
        ),
        Mistake(
            "(z + shift).tanh()",
            "z.tanh()",
            "you left out the shift: with an even number of levels 0 would lie half way between two of them",
        ),
        Mistake(
            "* reach - offset",
            "* reach",
            "you left out the offset: an even number of levels would round to one more whole number",
        ),
    ),
    inputs=inputs,
    by_hand=(far_out, in_the_middle),
    place=10,
)
