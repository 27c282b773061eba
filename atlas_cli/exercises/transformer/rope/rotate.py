"""Pairs of channels, turned by their angles."""

from __future__ import annotations

from typing import Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake


def inputs(draw: Draw) -> tuple[Any, ...]:
    """Queries of two texts, and the cosine and sine of an angle for each position and pair."""
    angle = draw.uniform(0.2, 6.0, 5, 4)
    return draw.normal(2, 3, 5, 8), angle.cos(), angle.sin()


def a_quarter_turn(rotate: Function) -> tuple[Any, Any]:
    """One pair, (3, 4), by a quarter turn: (-4, 3)."""
    import torch

    x = torch.tensor([3.0, 4.0]).view(1, 1, 1, 2)
    return rotate(x, torch.tensor([[0.0]]), torch.tensor([[1.0]])).flatten(), torch.tensor([-4.0, 3.0])


EXERCISE = Exercise(
    topic="rope",
    name="rotate",
    title="turn a pair of channels",
    task="""
        Turn each pair of channels of x, (B, H, L, Dh), by its angle. Channel i goes with channel i + Dh/2:
        the first half holds the first coordinate of each pair, the second half the second. cos and sin are
        (L, Dh/2).
        """,
    equation=r"\begin{pmatrix} \cos\theta & -\sin\theta \\ \sin\theta & \cos\theta \end{pmatrix}"
    r" \begin{pmatrix} x_i \\ x_{i + D_h/2} \end{pmatrix}",
    hints=(
        "It is a rotation in the plane, once for every pair. `x.chunk(2, dim=-1)` gives both coordinates of "
        "all pairs at once.",
        "The new first coordinate is first · cos - second · sin. Which sign has the sine in the other one?",
        "`torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1)`",
    ),
    mistakes=(
        Mistake(
            "second * cos + first * sin",
            "second * cos - first * sin",
            "both of your sines are subtracted: that is no rotation, lengths change. In the second "
            "coordinate it is added",
        ),
        Mistake(
            "first * cos - second * sin, second * cos + first * sin",
            "first * cos + second * sin, second * cos - first * sin",
            "you turned backwards, by minus the angle",
        ),
        Mistake(
            "first, second = x.chunk(2, dim=-1)\n"
            "    return torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1)",
            "first, second = x[..., 0::2], x[..., 1::2]\n"
            "    both = torch.stack([first * cos - second * sin, second * cos + first * sin], dim=-1)\n"
            "    return both.flatten(-2)",
            "you turned neighbours, 2i with 2i + 1, as the paper does: here i goes with i + Dh/2, as in "
            "Hugging Face's Llama",
        ),
    ),
    inputs=inputs,
    by_hand=(a_quarter_turn,),
    source="nets.rope",
    place=10,
    trains="gpt/ci",
)
