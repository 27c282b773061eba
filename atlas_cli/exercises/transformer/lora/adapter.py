"""A frozen layer, and what is learned beside it."""

from __future__ import annotations

from typing import Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake
from atlas_cli.exercises.transformer.lora._layer import layer, of_ones


def inputs(draw: Draw) -> tuple[Any, ...]:
    """An adapted layer, and seven vectors in two rows."""
    return layer(draw), draw.normal(2, 7, 6)


def in_numbers(forward: Function) -> tuple[Any, Any]:
    """W = 1, A = 2, B = 3, alpha / r = 4, x = 5: 5 + 4 · 3 · 2 · 5 = 125."""
    import torch

    return forward(of_ones(), torch.tensor([[5.0]])).item(), 125.0


EXERCISE = Exercise(
    topic="lora",
    name="adapter",
    title="two thin matrices beside a frozen one",
    task="""
        Return the output of the frozen layer `self.base` plus that of the adapter: `self.A`, (r, d_in),
        goes down to r channels, `self.B`, (d_out, r), comes up again, and `self.scale` is alpha / r.
        """,
    equation=r"W x + \frac{\alpha}{r}\, B A x",
    hints=(
        "Two paths from the same x, added. The frozen one is a layer that can be called.",
        "First A, then B: through the narrow middle the product is cheap. `F.linear(x, self.A)` multiplies "
        "with A.",
        "`self.base(x) + self.scale * F.linear(F.linear(x, self.A), self.B)`",
    ),
    mistakes=(
        Mistake(
            "self.scale * ",
            "",
            "you left out alpha / r: without it the step changes in size with the rank",
        ),
        Mistake(
            "self.base(x) + ",
            "",
            "you left out the frozen layer: the adapter is added to W x and does not replace it",
        ),
        Mistake(
            "F.linear(F.linear(x, self.A), self.B)",
            "F.linear(x, self.A @ self.B)",
            "you multiplied A B and not B A: A goes down first and B comes up, so the matrix is B A",
        ),
    ),
    inputs=inputs,
    by_hand=(in_numbers,),
    place=10,
)
