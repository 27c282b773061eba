"""Textures, and images laid over them: what a classifier of pixels can no longer see through.

Shapes: N images, C channels, H height, W width; images in [-1, 1], where -1 is empty paper.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from atlas_cli.draws import BatchRandom

WAVES = 2  # gratings in a texture
FREQUENCY = (0.03, 0.25)  # cycles a pixel
GRAINS = 7  # cells of the coarse noise along a side
BRIGHTEST = 0.7  # of a texture, either way; ink is at 1 or -1


def textures(random: BatchRandom, height: int, width: int) -> Float[Tensor, "N 1 H W"]:
    """Two gratings and coarse noise, each image its own, in [-BRIGHTEST, BRIGHTEST]."""
    draw = random.uniform(WAVES, 4, 1, 1)  # (N, WAVES, 4, 1, 1)
    low, high = FREQUENCY
    cycles = low * (high / low) ** draw[:, :, 0]
    angle, phase, weight = math.pi * draw[:, :, 1], 2 * math.pi * draw[:, :, 2], draw[:, :, 3]
    down, right = _grid(height, width, draw.device)
    along = right * angle.cos() + down * angle.sin()  # (N, WAVES, H, W) px
    waves = (weight * (2 * math.pi * cycles * along + phase).sin()).sum(1, keepdim=True)
    coarse = random.normal(1, GRAINS, GRAINS)
    coarse = F.interpolate(coarse, (height, width), mode="bicubic", align_corners=False)
    return BRIGHTEST * (waves + 0.7 * coarse).tanh()


def over_textures(images: Float[Tensor, "N C H W"], random: BatchRandom) -> Float[Tensor, "N C H W"]:
    """Images in white or black ink, each with its own texture for paper."""
    ink = (images + 1) / 2
    paper = textures(random, *images.shape[2:])
    colour = 1 - 2 * random.integers(0, 2, 1, 1, 1).to(images.dtype)  # 1 or -1
    return ink * colour + (1 - ink) * paper


def _grid(height: int, width: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """The row and the column of every pixel."""
    rows, columns = torch.arange(height, device=device), torch.arange(width, device=device)
    down, right = torch.meshgrid(rows.float(), columns.float(), indexing="ij")
    return down, right
