"""One number for a code of several."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake


def inputs(draw: Draw) -> tuple[Any, ...]:
    """Levels of three numbers, and codes: whole numbers around 0."""
    import torch

    levels = draw.pick(((8, 5, 4), (3, 4, 6), (7, 2, 8)))
    code = torch.stack([draw.integers(-(n // 2), n - n // 2, 5) for n in levels], 1)
    return _quantiser(*levels), code.float()


def _quantiser(*levels: int) -> Any:
    import torch

    numbers = torch.tensor(levels)
    basis = torch.tensor([1, *numbers[:-1].cumprod(0).tolist()])
    return SimpleNamespace(levels=numbers, below=numbers // 2, basis=basis)


def two_digits(index: Function) -> tuple[Any, Any]:
    """With 8 and 4 levels, (1, -2) is the sixth level and the lowest: 5 + 8 · 0 = 5."""
    import torch

    return index(_quantiser(8, 4), torch.tensor([1.0, -2.0])), torch.tensor(5)


def the_last(index: Function) -> tuple[Any, Any]:
    """With 8, 8 and 4 levels the highest of each is the last code: 7 + 8 · 7 + 64 · 3 = 255."""
    import torch

    return index(_quantiser(8, 8, 4), torch.tensor([3.0, 3.0, 1.0])), torch.tensor(255)


EXERCISE = Exercise(
    topic="fsq",
    name="index",
    title="one number for a code",
    task="""
        Return the number of each code, from 0 to the size of the codebook less 1, as integers. `code` holds
        D rounded numbers, whole ones around 0. Counted from the lowest level they are digits, and
        `self.basis` says what a digit of each place is worth.

        `self.below` is how many levels lie below 0. `code` carries a gradient; the number has none.
        """,
    equation=r"k = \sum_i (c_i + \lfloor L_i / 2 \rfloor) \prod_{j < i} L_j",
    hints=(
        "Add `self.below` to each number: the lowest level becomes 0.",
        "Multiply each digit by what it is worth, `self.basis`, and add them up over the last dimension.",
        "`code.detach().round().long()` makes whole numbers of it before anything is added.",
    ),
    mistakes=(
        Mistake(
            "* self.basis",
            "* self.levels",
            "you multiplied each digit by its own levels: a digit is worth the product of those before it",
        ),
        Mistake(
            "(code.detach().round().long() + self.below)",
            "code.detach().round().long()",
            "you did not count from the lowest level: numbers below 0 are no digits",
        ),
        Mistake(
            "code.detach().round().long()",
            "code.detach().abs().round().long()",
            "you took the size of each number: levels on both sides of 0 would share a code",
        ),
    ),
    inputs=inputs,
    by_hand=(two_digits, the_last),
    place=20,
)
