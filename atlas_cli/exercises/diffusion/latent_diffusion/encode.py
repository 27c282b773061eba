"""A latent of unit variance, drawn so that a gradient flows."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake

if TYPE_CHECKING:
    from torch import Tensor


def inputs(draw: Draw) -> tuple[Any, ...]:
    """An encoder that is a scale, images, and noise."""
    scale = draw.normal(2, 1, 1)
    return _system(scale, draw.uniform(0.5, 2.0, 1)[0]), draw.normal(4, 2, 3, 3), draw.normal(4, 2, 3, 3)


def _system(scale: Tensor, std: Tensor) -> Any:
    def encode(images: Tensor) -> tuple[Tensor, Tensor]:
        return scale * images, scale - images / 2

    return SimpleNamespace(autoencoder=SimpleNamespace(encode=encode), latent_std=std, scale=scale)


def in_numbers(encode: Function) -> tuple[Any, Any]:
    """Mean 2, log-variance 1, noise 3, deviation over the data 2: (2 + √e · 3) / 2 = 3.473."""
    import torch

    one = torch.ones(1, 1, 1, 1)
    return encode(_system(2 * one[0], torch.tensor(2.0)), 2 * one, 3 * one).item(), _EXPECTED


_EXPECTED = 4.0 / 2 + 2.718281828**0.5 * 3 / 2

EXERCISE = Exercise(
    topic="latent-diffusion",
    name="encode",
    title="a latent of unit variance",
    task="""
        `self.autoencoder.encode(images)` gives the mean and the logarithm of the variance of q(z | x). Draw
        z from it with the given noise, so that a gradient flows to both, and scale it to unit variance over
        the data: `self.latent_std` is its standard deviation there.
        """,
    equation=r"z = \frac{\mu + e^{\frac{1}{2} \log \sigma^2}\, \epsilon}{\mathrm{std}}",
    hints=(
        "A draw from N(μ, σ²) is μ plus σ times a draw from N(0, 1): the noise is given, and the gradient "
        "goes through μ and σ.",
        "The encoder says log σ². What is σ?",
        "`(mean + (log_var / 2).exp() * noise) / self.latent_std`",
    ),
    mistakes=(
        Mistake(
            "(log_var / 2).exp()",
            "log_var.exp()",
            "you scaled the noise by the variance: the standard deviation is e to half of log_var",
        ),
        Mistake(
            ") / self.latent_std",
            ")",
            "you left out the scaling: the diffusion's schedule counts on data of unit variance",
        ),
        Mistake(
            "(mean + (log_var / 2).exp() * noise)",
            "mean",
            "you took the mean and drew nothing: then log_var gets no gradient, and the decoder never meets "
            "the noise",
        ),
    ),
    inputs=inputs,
    by_hand=(in_numbers,),
    place=20,
)
