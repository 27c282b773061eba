"""What an image costs under a decoder: pixels as coins, or as grey levels with Gaussian noise.

Source:  coins drawn anew for every batch: Burda, Grosse, Salakhutdinov 2015, arXiv:1509.00519. Noise of one
         grey level, so that a density of it is a lower bound on the probability of the level: Theis, van
         den Oord, Bethge 2015, arXiv:1511.01844, section 3.1.
Shapes:  B batch, C channels, H height, W width; images are in [-1, 1], pixels x in [0, 1].
"""

from __future__ import annotations

import math

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

LEVELS = 256  # of grey, in a byte


def as_coins(images: Float[Tensor, "B C H W"], noise: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
    """Black or white, with the grey as the probability of white; the noise is uniform in [0, 1)."""
    return (noise < (images + 1) / 2).to(images.dtype)


def as_levels(images: Float[Tensor, "B C H W"], noise: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
    """Somewhere in the 256th part of [0, 1] that belongs to the pixel's level; the noise is uniform."""
    return (((images + 1) / 2 * (LEVELS - 1)).round() + noise) / LEVELS


def log_coins(x: Float[Tensor, "B C H W"], logits: Float[Tensor, "B C H W"]) -> Float[Tensor, "B"]:
    """log p of black and white pixels, nats an image."""
    return -F.binary_cross_entropy_with_logits(logits, x, reduction="none").flatten(1).sum(1)


def log_levels(
    x: Float[Tensor, "B C H W"], mean: Float[Tensor, "B C H W"], log_std: Float[Tensor, ""]
) -> Float[Tensor, "B"]:
    """log of density times width of a level, nats an image: on average at most log p of its levels."""
    squares = ((x - mean) * (-log_std).exp()).square()
    each = -0.5 * (squares + math.log(2 * math.pi)) - log_std - math.log(LEVELS)
    return each.flatten(1).sum(1)
