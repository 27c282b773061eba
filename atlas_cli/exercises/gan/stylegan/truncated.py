"""Styles nearer to their mean."""

from __future__ import annotations

from typing import Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake


def inputs(draw: Draw) -> tuple[Any, ...]:
    """Four styles, the means of their classes, and how far they may be from them."""
    return draw.normal(4, 6), draw.normal(4, 6), draw.pick((0.3, 0.7, 1.0))


def a_third_of_the_way(truncated: Function) -> tuple[Any, Any]:
    """w = 7, mean = 1, psi = 1/3: the distance of 6 becomes 2, so that 3 is left."""
    import torch

    return truncated(torch.tensor([[7.0]]), torch.tensor([[1.0]]), 1 / 3), torch.tensor([[3.0]])


EXERCISE = Exercise(
    topic="stylegan",
    name="truncated",
    title="pull styles towards their mean",
    task="""
        Return the styles `w`, each moved straight towards its `mean`, so that a share `psi` of the distance
        is left: with 1 nothing changes, with 0 all are the mean.
        """,
    equation=r"w' = \bar w + \psi\, (w - \bar w)",
    hints=(
        "Where does the way begin that ends at w?",
        "`w - mean` is the whole way; psi of it is to be left.",
        "Begin at the mean, and add psi times `w - mean`.",
    ),
    mistakes=(
        Mistake(
            "mean + psi * (w - mean)",
            "psi * w",
            "you scaled the style itself: that pulls it towards zero, where no image of the training was",
        ),
        Mistake(
            "psi * (w - mean)",
            "(1 - psi) * (w - mean)",
            "your psi runs the other way: 1 must leave the styles as they are",
        ),
        Mistake(
            "mean + psi * (w - mean)",
            "w + psi * (w - mean)",
            "you began at w: styles move away from their mean, which is the opposite of truncation",
        ),
    ),
    inputs=inputs,
    by_hand=(a_third_of_the_way,),
    place=20,
)
