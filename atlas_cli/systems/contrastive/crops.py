"""Crops of digits, large and small, for multi-crop training.

Source:  Caron et al. 2020, arXiv:2006.09882, section 3.3 (multi-crop).
Shapes:  N images, C channels, H height, W width; images in [-1, 1].
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from atlas_cli.draws import BatchRandom

STRETCH = 0.25  # largest log-aspect
ROTATION, SLANT = 0.35, 0.5  # largest, radians and dx/dy
BEND, CELLS = 0.06, 4  # sd of a smooth displacement, as a share of half the crop; its cells along a side


def crop(
    images: Float[Tensor, "N C H W"], random: BatchRandom, size: int, area: tuple[float, float]
) -> Float[Tensor, "N C size size"]:
    """One random crop of every image: a share of its area, turned, slanted, bent and drawn at another size.

    Args:
        images: What lies beyond their edge is as the edge is.
        random: Draws for as many images.
        size: Side of the crop, px.
        area: The least and the largest share of the image's area.
    """
    n, (low, high) = len(images), area
    where, angle, slant, aspect = (2 * random.uniform(5) - 1).split([2, 1, 1, 1], 1)
    half = (low + (high - low) * random.uniform(1)).sqrt()  # (N, 1), of the crop's side
    half = half * torch.cat([aspect, -aspect], 1).mul(STRETCH / 2).exp()  # (N, 2), across and down
    cos, sin = (ROTATION * angle).cos(), (ROTATION * angle).sin()
    turned = torch.cat([cos, SLANT * slant * cos - sin, sin, SLANT * slant * sin + cos], 1).view(n, 2, 2)
    place = (1 - half).clamp(min=0) * where  # of the crop's centre: it lies within the image
    matrix = torch.cat([half[:, :, None] * turned, place[:, :, None]], 2)  # (N, 2, 3)
    grid = F.affine_grid(matrix, [n, 1, size, size], align_corners=False)
    bent = F.interpolate(BEND * random.normal(2, CELLS, CELLS), (size, size), mode="bicubic")
    grid = grid + half[:, None, None] * bent.permute(0, 2, 3, 1)  # (N, size, size, 2)
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)
