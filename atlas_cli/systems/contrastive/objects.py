"""Where attention lies, held to where the object is.

Source:  Caron et al. 2021, arXiv:2104.14294, section 4.2.2 and table 4's masks (60% of the attention kept).
Shapes:  N images, C channels, H height, W width, P patches, h maps of attention to an image.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

MASS = 0.6  # share of the attention that is kept


def of_patches(ink: Float[Tensor, "N C H W"], patch: int) -> Bool[Tensor, "N P"]:
    """Which patches the object touches, by images of it on empty paper in [-1, 1]."""
    return (F.max_pool2d(ink.amax(1, keepdim=True), patch) > 0).flatten(1)


def kept(attention: Float[Tensor, "N h P"], mass: float = MASS) -> Bool[Tensor, "N h P"]:
    """The fewest patches, the strongest first, that hold this share of each map."""
    value, place = attention.sort(2, descending=True)
    before = value.cumsum(2) - value  # what stronger patches hold
    return torch.zeros_like(attention, dtype=torch.bool).scatter(2, place, before < mass * value.sum(2, True))


def overlap(found: Bool[Tensor, "N h P"], mask: Bool[Tensor, "N P"]) -> Float[Tensor, "h"]:
    """Intersection over union of each map with the mask, mean over the images."""
    both, either = (found & mask[:, None]).sum(2), (found | mask[:, None]).sum(2)
    return (both / either.clamp(min=1)).mean(0)


def contrast(images: Float[Tensor, "N C H W"], patch: int) -> Float[Tensor, "N 1 P"]:
    """An opponent that learns nothing: the deviation of the pixels within each patch."""
    mean, square = F.avg_pool2d(images, patch), F.avg_pool2d(images.square(), patch)
    deviation = (square - mean.square()).clamp(min=0).sqrt().mean(1).flatten(1)  # (N, P)
    return deviation[:, None]


def usual(mask: Bool[Tensor, "N P"]) -> Float[Tensor, "1 1 P"]:
    """Another one: how often an object touches each patch, whatever the image."""
    return mask.float().mean(0)[None, None]


def best_of(maps: Float[Tensor, "N h P"], mask: Bool[Tensor, "N P"]) -> float:
    """Overlap of the map that fits best over all images: a head of the net, say."""
    return overlap(kept(maps), mask).max().item()


def opponents(
    images: Float[Tensor, "N C H W"], mask: Bool[Tensor, "N P"], known: Bool[Tensor, "M P"], patch: int
) -> dict[str, float]:
    """What is found without a net: where objects usually are, and where pixels differ most.

    Args:
        images: That are searched.
        mask: Where their objects are.
        known: Where those of training are; the usual place is known by them alone.
        patch: Side, px.
    """
    usually = usual(known).expand(len(mask), -1, -1)
    return {"usual_iou": best_of(usually, mask), "contrast_iou": best_of(contrast(images, patch), mask)}
