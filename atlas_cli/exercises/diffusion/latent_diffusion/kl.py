"""What keeps latents where noise is."""

from __future__ import annotations

from typing import Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake


def inputs(draw: Draw) -> tuple[Any, ...]:
    """Means and logarithms of variances of four latents."""
    return draw.normal(4, 2, 3, 3), draw.normal(4, 2, 3, 3)


def standard(kl: Function) -> tuple[Any, Any]:
    """Mean 0 and variance 1 is the standard normal itself: 0."""
    import torch

    return kl(torch.zeros(1, 1, 1, 1), torch.zeros(1, 1, 1, 1)).item(), 0.0


def moved(kl: Function) -> tuple[Any, Any]:
    """Two numbers of mean 1 and variance e: (1 + e - 1 - 1) / 2 each, 1.718 together."""
    import torch

    return kl(torch.ones(1, 2, 1, 1), torch.ones(1, 2, 1, 1)).item(), 1.718282


EXERCISE = Exercise(
    topic="latent-diffusion",
    name="kl",
    title="how far latents are from noise",
    task="""
        The encoder gives a Gaussian for each number of a latent, by its mean and the logarithm of its
        variance. Return how far it is from the standard normal, in nats, summed over each latent: (B, Z, h,
        w) becomes (B,).
        """,
    equation=r"\mathrm{KL} = \frac{1}{2} \sum \left( \mu^2 + \sigma^2 - 1 - \log \sigma^2 \right)",
    hints=(
        "Four terms for each number: what of them is given as it is, and what must be computed from the "
        "logarithm?",
        "The variance is `log_var.exp()`. At mean 0 and variance 1 the terms must cancel.",
        "`0.5 * (mean.square() + log_var.exp() - 1 - log_var)`, summed over all dimensions but the first.",
    ),
    mistakes=(
        Mistake(
            "0.5 * ",
            "",
            "you left out the half: it comes from the exponent of the Gaussian, and without it the penalty "
            "is twice as strong",
        ),
        Mistake(
            "log_var.exp()",
            "(2 * log_var).exp()",
            "you took log_var for the logarithm of the standard deviation: it is that of the variance, so "
            "e^log_var is σ² already",
        ),
        Mistake(
            ".flatten(1).sum(1)",
            ".flatten(1).mean(1)",
            "you averaged over a latent: independent numbers add their nats",
        ),
    ),
    inputs=inputs,
    by_hand=(standard, moved),
    place=10,
)
