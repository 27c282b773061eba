"""A latent of unit variance, before anything is rounded."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake

if TYPE_CHECKING:
    from torch import Tensor


def inputs(draw: Draw) -> tuple[Any, ...]:
    """An encoder that is a scale, and images."""
    return _system(draw.normal(2, 1, 1), draw.uniform(0.5, 2.0, 1)[0]), draw.normal(4, 2, 3, 3)


def _system(scale: Tensor, std: Tensor) -> Any:
    def encoder(images: Tensor) -> Tensor:
        return scale * images

    def quantiser(z: Tensor) -> Any:
        return SimpleNamespace(vectors=z.round())

    config = SimpleNamespace(first_stage="tokenizer")
    tokenizer = SimpleNamespace(encoder=encoder, quantiser=quantiser)
    return SimpleNamespace(config=config, tokenizer=tokenizer, latent_std=std)


def in_numbers(encode: Function) -> tuple[Any, Any]:
    """The encoder says 2.6 times 1, the deviation over the data is 2: 1.3."""
    import torch

    one = torch.ones(1, 1, 1, 1)
    return encode(_system(2.6 * one[0], torch.tensor(2.0)), one).item(), 1.3


EXERCISE = Exercise(
    topic="latent-diffusion",
    name="encode",
    title="a latent of unit variance",
    task="""
        `self.tokenizer.encoder(images)` gives the numbers of each place, before anything is rounded. Return
        them as float32 and with unit variance over the data: `self.latent_std` is their standard deviation
        there.
        """,
    equation=r"z_0 = E(x) / s",
    hints=(
        "A number that is divided by its standard deviation has a standard deviation of one.",
        "Rounding is the decoder's business: diffusion needs numbers between the levels, too.",
        "`self.tokenizer.encoder(images).float() / self.latent_std`",
    ),
    mistakes=(
        Mistake(
            " / self.latent_std",
            "",
            "you left out the scaling: the diffusion's schedule counts on data of unit variance",
        ),
        Mistake(
            "/ self.latent_std",
            "* self.latent_std",
            "you multiplied by the deviation: what was too large is larger now",
        ),
        Mistake(
            "self.tokenizer.encoder(images).float()",
            "self.tokenizer.quantiser(self.tokenizer.encoder(images)).vectors",
            "you rounded: the latent is what the encoder gives before that, and the decoder rounds",
        ),
    ),
    inputs=inputs,
    by_hand=(in_numbers,),
    place=10,
)
