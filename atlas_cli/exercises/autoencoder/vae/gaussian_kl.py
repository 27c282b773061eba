"""What a code costs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake

if TYPE_CHECKING:
    from torch import Tensor


def inputs(draw: Draw) -> tuple[Tensor, Tensor]:
    """Means and log-variances of a batch of codes."""
    return draw.normal(4, 3), draw.normal(4, 3)


def the_prior_costs_nothing(gaussian_kl: Function) -> tuple[Any, Any]:
    """N(0, 1) against itself: ½ (0 + 1 - 1 - 0) = 0. N(1, 1): ½ (1 + 1 - 1 - 0) = ½."""
    import torch

    return gaussian_kl(torch.tensor([[0.0, 1.0]]), torch.zeros(1, 2)), torch.tensor([[0.0, 0.5]])


def narrow(gaussian_kl: Function) -> tuple[Any, Any]:
    """N(0, ¼), log ¼ = -1.386: ½ (0 + 0.25 - 1 + 1.386) = 0.318 nats."""
    import torch

    kl = gaussian_kl(torch.zeros(1, 1), torch.tensor([[math.log(0.25)]]))
    return kl, torch.tensor([[0.5 * (0.25 - 1 + math.log(4))]])


EXERCISE = Exercise(
    topic="vae",
    name="gaussian_kl",
    title="what a code costs",
    task="""
        Return, for each unit of each code, the KL divergence of N(mean, variance) from N(0, 1), in nats. The
        encoder gives the logarithm of the variance, so that any number is allowed. Do not add the units up.
        """,
    equation=r"\mathrm{KL} = \frac{1}{2} \left( \mu^2 + \sigma^2 - 1 - \log \sigma^2 \right)",
    hints=(
        "Where mean is 0 and log-variance 0, it must be 0: the Gaussian is the prior itself.",
        "The variance is `log_var.exp()`.",
        "`0.5 * (mean.square() + log_var.exp() - 1 - log_var)`",
    ),
    mistakes=(
        Mistake(
            "- 1 - log_var",
            "- 1 + log_var",
            "you turned the sign of the log-variance: a narrow Gaussian must cost more than the prior",
        ),
        Mistake(
            "log_var.exp()",
            "(0.5 * log_var).exp()",
            "you added the standard deviation: the sum has the variance",
        ),
        Mistake(
            "mean.square()",
            "mean",
            "you forgot to square the mean: a mean of -2 costs as much as one of 2",
        ),
    ),
    inputs=inputs,
    by_hand=(the_prior_costs_nothing, narrow),
    place=10,
)
