"""From a drawn latent to an image, by way of codes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake

if TYPE_CHECKING:
    from torch import Tensor


def inputs(draw: Draw) -> tuple[Any, ...]:
    """A tokenizer that rounds to whole numbers, and latents."""
    return _system(draw.uniform(0.5, 2.0, 1)[0] * 3), draw.normal(4, 2, 3, 3)


def _system(std: Tensor) -> Any:
    def quantiser(z: Tensor) -> Any:
        return SimpleNamespace(indices=z.round().long(), vectors=z.round())

    def decoder(vectors: Tensor) -> Tensor:
        return vectors / 10

    config = SimpleNamespace(first_stage="tokenizer")
    tokenizer = SimpleNamespace(
        quantiser=quantiser, decoder=decoder, decode=lambda codes: decoder(codes.float())
    )
    return SimpleNamespace(config=config, tokenizer=tokenizer, latent_std=std)


def in_numbers(decode: Function) -> tuple[Any, Any]:
    """A latent of 1.3 at a deviation of 2 is 2.6, its code 3, and the decoder of this case paints 0.3."""
    import torch

    return decode(_system(torch.tensor(2.0)), 1.3 * torch.ones(1, 1, 1, 1)).item(), 0.3


EXERCISE = Exercise(
    topic="latent-diffusion",
    name="decode",
    title="from a latent to an image",
    task="""
        A walk has ended at the latents z, of unit variance. Give them back the size that the tokenizer knows
        (`self.latent_std` is what they were divided by), round them to codes with `self.tokenizer.quantiser`,
        whose answer has the `indices`, and let `self.tokenizer.decode` paint the images of these.
        """,
    equation=r"\hat x = D(\mathrm{round}(s\, \hat z_0))",
    hints=(
        "Undo `encode` from its end: what was done last is undone first.",
        "The decoder has only ever been given codes. What makes a code of a number between two levels?",
        "`codes = self.tokenizer.quantiser(z * self.latent_std).indices`; `self.tokenizer.decode(codes)`",
    ),
    mistakes=(
        Mistake(
            "z * self.latent_std",
            "z",
            "you left out the scale: the tokenizer's levels are of the size that its encoder gave",
        ),
        Mistake(
            "z * self.latent_std",
            "z / self.latent_std",
            "you divided again: encoding divided by the deviation, so decoding must multiply",
        ),
        Mistake(
            "self.tokenizer.decode(codes)",
            "self.tokenizer.decoder(z * self.latent_std)",
            "you gave the decoder what lies between the codes: it has learned to read codes alone",
        ),
    ),
    inputs=inputs,
    by_hand=(in_numbers,),
    place=20,
)
