"""A draw with a slope."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake

if TYPE_CHECKING:
    from torch import Tensor


def inputs(draw: Draw) -> tuple[Tensor, Tensor, Tensor]:
    """Means, log-variances and noise."""
    return draw.normal(4, 3), draw.normal(4, 3), draw.normal(4, 3)


def two_wide(reparameterise: Function) -> tuple[Any, Any]:
    """Mean 1, variance 4, noise -½: 1 + 2 · (-½) = 0."""
    import torch

    drawn = reparameterise(torch.ones(1, 1), torch.tensor([[math.log(4.0)]]), torch.tensor([[-0.5]]))
    return drawn, torch.zeros(1, 1)


EXERCISE = Exercise(
    topic="vae",
    name="reparameterise",
    title="a draw with a slope",
    task="""
        Return a draw from the Gaussian with this mean and the exponential of this log-variance as variance,
        as a smooth function of both. `noise` was drawn from N(0, 1).
        """,
    equation=r"z = \mu + \sigma\, \varepsilon \qquad \varepsilon \sim N(0, 1)",
    hints=(
        "Nothing is drawn here: the chance is in the noise that you are given.",
        "The standard deviation is the square root of the variance: half the logarithm.",
        "`mean + (0.5 * log_var).exp() * noise`",
    ),
    mistakes=(
        Mistake(
            "(0.5 * log_var).exp()",
            "log_var.exp()",
            "you multiplied by the variance: noise of width 1 becomes as wide as the standard deviation",
        ),
        Mistake(
            "mean + (0.5 * log_var).exp() * noise",
            "mean + (0.5 * log_var).exp()",
            "you left the noise out: every image then has one code, and nothing fills the space between",
        ),
        Mistake(
            "(0.5 * log_var).exp()",
            "log_var",
            "you took the logarithm itself for the width: it may be negative",
        ),
    ),
    inputs=inputs,
    by_hand=(two_wide,),
    place=20,
)
