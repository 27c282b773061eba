"""A gradient past a choice that has none."""

from __future__ import annotations

from typing import Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake


def inputs(draw: Draw) -> tuple[Any, ...]:
    """Vectors of the encoder, and the codes that were put in their place."""
    return draw.normal(4, 3), draw.normal(4, 3)


def the_value(straight_through: Function) -> tuple[Any, Any]:
    """z = 0.8 and its code is 1: the decoder is given 1."""
    import torch

    return straight_through(torch.tensor([0.8]), torch.tensor([1.0])), torch.tensor([1.0])


def the_slope(straight_through: Function) -> tuple[Any, Any]:
    """The loss is (2 - q)² at q = 1, whose slope is -2: that is what z = 0.8 must feel."""
    import torch

    z = torch.tensor([0.8], requires_grad=True)
    (2 - straight_through(z, torch.tensor([1.0]))).square().sum().backward()
    return torch.zeros(1) if z.grad is None else z.grad, torch.tensor([-2.0])


EXERCISE = Exercise(
    topic="vq-vae",
    name="straight_through",
    title="a gradient past the choice",
    task="""
        Return a tensor whose values are those of `quantised`, and whose gradient goes to `z` unchanged:
        as if the two were the same. To `quantised` goes none.
        """,
    equation=r"q = z + \mathrm{sg}(e - z)",
    hints=(
        "In value the answer is `quantised`. Write it as z plus something.",
        "What is to be added is `quantised - z`, and no gradient may pass through it.",
        "`.detach()` gives the same values as a given number, which no gradient leaves.",
    ),
    mistakes=(
        Mistake(
            "z + (quantised - z).detach()",
            "(z + (quantised - z)).detach()",
            "you let no gradient through at all: the encoder would learn nothing of the image",
        ),
        Mistake(
            "z + (quantised - z).detach()",
            "z + (quantised - z)",
            "you let the gradient through the difference as well: it cancels that of z and goes to the codes",
        ),
        Mistake(
            "(quantised - z).detach()",
            "(z - quantised).detach()",
            "you turned the difference round: what must be added to z to reach its code is the code less z",
        ),
    ),
    inputs=inputs,
    by_hand=(the_value, the_slope),
    place=10,
)
