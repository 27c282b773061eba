"""One layer in the place of two."""

from __future__ import annotations

from typing import Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake
from atlas_cli.exercises.transformer.lora._layer import layer, of_ones


def inputs(draw: Draw) -> tuple[Any, ...]:
    """An adapted layer."""
    return (layer(draw),)


def in_numbers(merged: Function) -> tuple[Any, Any]:
    """W = 1, A = 2, B = 3, alpha / r = 4: one weight, 1 + 4 · 3 · 2 = 25."""
    return merged(of_ones()).weight.item(), 25.0


EXERCISE = Exercise(
    topic="lora",
    name="merged",
    title="merge an adapter into its layer",
    task="""
        Return one nn.Linear that does what the frozen layer and its adapter do together. The frozen layer
        `self.base` itself stays as it is.
        """,
    equation=r"W' = W + \frac{\alpha}{r}\, B A",
    hints=(
        "An adapter is a matrix of the shape of W, written as a product. Which product has the shape "
        "(d_out, d_in)?",
        "Work on a copy: `deepcopy(self.base)` has the weight and the bias.",
        "`layer.weight += self.scale * self.B @ self.A` on the copy.",
    ),
    mistakes=(
        Mistake(
            "self.scale * ",
            "",
            "you left out alpha / r: merged, the layer would do something else than beside its adapter",
        ),
        Mistake(
            "deepcopy(self.base)",
            "self.base",
            "you added into the frozen layer itself: it is changed for good, and the adapter counts twice "
            "from now on",
        ),
        Mistake(
            "layer.weight += self.scale * self.B @ self.A",
            "layer.weight.copy_(self.scale * self.B @ self.A)",
            "you put the adapter in the place of W: it is added to it",
        ),
    ),
    inputs=inputs,
    by_hand=(in_numbers,),
    place=20,
)
