"""A tighter bound from many draws."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake

if TYPE_CHECKING:
    from torch import Tensor


def inputs(draw: Draw) -> tuple[Tensor, int]:
    """Log-weights of seven draws for each of four images, and how many go into a bound."""
    return 5 * draw.normal(7, 4), draw.pick((2, 3))


def one_and_three(importance_bound: Function) -> tuple[Any, Any]:
    """Weights 1 and 3: two draws give log ((1 + 3) / 2) = log 2; one at a time (0 + log 3) / 2 is less."""
    import torch

    return importance_bound(torch.tensor([[0.0], [math.log(3.0)]]), 2), math.log(2.0)


def far_from_one(importance_bound: Function) -> tuple[Any, Any]:
    """Both weights e^-1000, which is 0 in float32: their mean has the logarithm -1000."""
    import torch

    return importance_bound(torch.full((2, 1), -1000.0), 2), -1000.0


EXERCISE = Exercise(
    topic="vae",
    name="importance_bound",
    title="a tighter bound from many draws",
    task="""
        Return the importance-weighted bound of k draws, the mean over all images and over all whole groups
        of k draws. `log_weights` are log p(x, z) / q(z | x), one row a draw, one column an image; rows that
        fill no group are left out. The weights themselves may be too small for a float.
        """,
    equation=r"L_k = E \log \frac{1}{k} \sum_{i=1}^k w_i",
    hints=(
        "Cut the rows to a multiple of k and `unflatten` them into groups: (groups, k, images).",
        "Sum within a group by `logsumexp(dim=1)`, which never leaves the logarithm.",
        "A mean is a sum over k: subtract log k.",
    ),
    mistakes=(
        Mistake(
            "groups.logsumexp(dim=1) - math.log(k)",
            "groups.mean(dim=1)",
            "you averaged logarithms: that is the ELBO, whatever k. The mean is taken within the logarithm",
        ),
        Mistake(
            " - math.log(k)",
            "",
            "you summed the weights where their mean is asked for: the bound grows by log k out of nothing",
        ),
        Mistake(
            "groups.logsumexp(dim=1)",
            "groups.exp().sum(dim=1).log()",
            "you left the logarithm: weights as small as e^-1000 are 0 there, and the bound is -inf",
        ),
    ),
    inputs=inputs,
    by_hand=(one_and_three, far_from_one),
    source="systems.autoencoder.vae_figures",
    place=30,
)
