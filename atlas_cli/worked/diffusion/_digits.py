"""What the examples of diffusion share: a digit, seeded noise, latents and features as tiles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from atlas_cli.worked.example import Raw, amount, signed

if TYPE_CHECKING:
    from torch import Tensor

DIGIT = 3
SEED = 0


def digit(data: Any) -> Tensor:
    """The first test image of that class: (1, C, H, W) in [-1, 1]."""
    images, label = data.test()
    image: Tensor = images[label == DIGIT][:1]
    return image


def noise_like(image: Tensor, purpose: str) -> Tensor:
    """The same noise at every call."""
    import torch

    from atlas_cli.draws import generator

    return torch.randn(image.shape, generator=generator(SEED, "worked", purpose))


def mosaic(latent: Tensor, label: str = "", most: float | None = None) -> Raw:
    """At most four channels (1, K, h, w), two in a row, apart by a cell."""
    import torch

    channels = latent[0].float()
    side = channels.shape[-1]
    board = torch.zeros(2 * side + 1, 2 * side + 1)
    for i, channel in enumerate(channels):
        top, left = (i // 2) * (side + 1), (i % 2) * (side + 1)
        board[top : top + side, left : left + side] = channel
    return signed(board, label, most=most)


def strength(features: Tensor, label: str = "", most: float | None = None) -> Raw:
    """How strong features (1, K, h, w) are at each place, as a mean over the channels."""
    return amount(features[0].float().abs().mean(0), label, most=most)
