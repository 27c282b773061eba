"""Images as rows of patches, for networks that read them as a text is read: token by token.

Source:  Dosovitskiy et al. 2020, arXiv:2010.11929, section 3.1 (patches); Peebles, Xie 2022,
         arXiv:2212.09748, section 3.2 (sines and cosines of the place).
Shapes:  B batch, C channels, H height, W width, P side of a patch in pixels, N patches, D width of a token.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from atlas_cli.nets.unet import timestep_embedding

LONGEST_WAVE = 100.0  # patches: the slowest sine of a place; a picture here is a few patches wide


def to_patches(images: Float[Tensor, "B C H W"], patch: int) -> Float[Tensor, "B N CPP"]:
    """Every patch as one row of numbers, row by row from the top left."""
    return F.pixel_unshuffle(images, patch).flatten(2).mT  # (B, C*P*P, H/P, W/P) -> (B, N, C*P*P)


def to_image(patches: Float[Tensor, "B N CPP"], patch: int, width: int) -> Float[Tensor, "B C H W"]:
    """The inverse of `to_patches`, for pictures `width` pixels wide."""
    return F.pixel_shuffle(patches.mT.unflatten(2, (-1, width // patch)), patch)


def grid_positions(rows: int, columns: int, d: int) -> Float[Tensor, "N D"]:
    """What is added to a patch to say where it is: half of the numbers for its row, half for its column."""
    y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    halves = [timestep_embedding(axis.flatten().float(), d // 2, LONGEST_WAVE) for axis in (y, x)]
    return torch.cat(halves, dim=1)
