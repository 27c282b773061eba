"""Random views of images: what an encoder that learns from them will not tell apart.

All images of a batch are changed at once, each by its own draws.
Shapes: N images, C channels, H height, W width; images in [-1, 1].
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from atlas_cli.draws import BatchRandom

View = Literal["crop", "turn", "bend", "pen", "tone", "noise"]

ZOOM, STRETCH, SHIFT = 0.25, 0.25, 0.15  # largest log-scale, log-aspect; shares of half the side
ROTATION, SLANT = 0.35, 0.5  # largest, radians and dx/dy
BEND, CELLS = 0.12, 4  # sd of a smooth displacement, as a share of half the side; its cells along a side
PEN = 0.8  # the largest share of a pixel that a stroke grows or shrinks by on every side
CONTRAST, BRIGHTNESS = (0.5, 1.0), 0.3
NOISE = 0.25  # the largest sd


def view(
    images: Float[Tensor, "N C H W"], random: BatchRandom, kinds: Sequence[View]
) -> Float[Tensor, "N C H W"]:
    """One random view of every image.

    Args:
        images: In [-1, 1].
        random: Draws for as many images.
        kinds: What changes: crop (scale, shape and place), turn (rotation and slant), bend (a smooth
            displacement), pen (bright strokes thinner or thicker), tone (contrast and brightness), noise.
    """
    moved = [kind for kind in kinds if kind in ("crop", "turn", "bend")]
    if moved:
        grid = where_from(images, random, moved)
        images = F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)
    if "pen" in kinds:
        images = _pen(images, PEN * (2 * random.uniform(1, 1, 1) - 1))
    if "tone" in kinds:
        low, high = CONTRAST
        contrast, brightness = random.uniform(2, 1, 1, 1).unbind(1)
        images = (low + (high - low) * contrast) * images + BRIGHTNESS * (2 * brightness - 1)
    if "noise" in kinds:
        images = images + NOISE * random.uniform(1, 1, 1) * random.normal(*images.shape[1:])
    return images


def where_from(
    images: Float[Tensor, "N C H W"], random: BatchRandom, kinds: Sequence[View]
) -> Float[Tensor, "N H W 2"]:
    """The place, x and y in [-1, 1], from which every pixel of a view is taken."""
    n, device = len(images), images.device
    matrix = torch.eye(2, device=device).repeat(n, 1, 1)  # (N, 2, 2)
    place = torch.zeros(n, 2, device=device)
    if "crop" in kinds:
        draw = 2 * random.uniform(4) - 1
        zoom, stretch = ZOOM * draw[:, :1], STRETCH * draw[:, 1:2]
        scale = torch.cat([zoom + stretch / 2, zoom - stretch / 2], 1).exp()  # (N, 2)
        matrix, place = matrix * scale[:, None], SHIFT * draw[:, 2:]
    if "turn" in kinds:
        draw = 2 * random.uniform(2) - 1
        cos, sin, slant = (ROTATION * draw[:, 0]).cos(), (ROTATION * draw[:, 0]).sin(), SLANT * draw[:, 1]
        turned = torch.stack([cos, slant * cos - sin, sin, slant * sin + cos], 1).view(n, 2, 2)
        matrix = matrix @ turned
    grid = F.affine_grid(torch.cat([matrix, place[..., None]], 2), list(images.shape), align_corners=False)
    if "bend" in kinds:
        cells = BEND * random.normal(2, CELLS, CELLS)
        smooth = F.interpolate(cells, images.shape[2:], mode="bicubic", align_corners=False)
        grid = grid + smooth.permute(0, 2, 3, 1)  # (N, H, W, 2)
    return grid


def _pen(images: Float[Tensor, "N C H W"], growth: Float[Tensor, "N 1 1 1"]) -> Float[Tensor, "N C H W"]:
    """Bright strokes thicker where `growth` is positive, thinner where it is negative."""
    wide = F.max_pool2d(images, 3, stride=1, padding=1)
    thin = -F.max_pool2d(-images, 3, stride=1, padding=1)
    return images + growth.clamp(min=0) * (wide - images) - growth.clamp(max=0) * (thin - images)
