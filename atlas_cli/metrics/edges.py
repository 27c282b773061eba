"""Edges of images and how well two edge maps agree.

Source:  Sobel & Feldman 1968 (the gradient); Canny 1986, IEEE TPAMI 8(6), section VI (only ridges of the
         gradient count). Neither Canny's smoothing nor his second threshold: at 28x28 both cost detail.
Shapes:  N images, C channels, H height, W width; an edge map holds 1 on an edge and 0 elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

THRESHOLD = 0.3  # of the gradient of a step from black to white
_AHEAD = ((0, 1), (1, 1), (1, 0), (1, -1))  # (down, right) for gradients at 0, 45, 90 and 135 degrees


def sobel(
    images: Float[Tensor, "N C H W"],
) -> tuple[Float[Tensor, "N 1 H W"], Float[Tensor, "N 1 H W"]]:
    """Gradient to the right and downwards of the mean over channels; the border is repeated outwards.

    Written as sums of shifted images: as a convolution it would lose digits in bfloat16.
    """
    padded = F.pad(images.float().mean(1, keepdim=True), [1] * 4, mode="replicate")  # (N, 1, H+2, W+2)
    tall = padded[..., :-2, :] + 2 * padded[..., 1:-1, :] + padded[..., 2:, :]  # (N, 1, H, W+2)
    wide = padded[..., :-2] + 2 * padded[..., 1:-1] + padded[..., 2:]  # (N, 1, H+2, W)
    return tall[..., 2:] - tall[..., :-2], wide[..., 2:, :] - wide[..., :-2, :]


def edge_map(images: Float[Tensor, "N C H W"]) -> Float[Tensor, "N 1 H W"]:
    """Thin edges of images in [-1, 1]: pixels whose gradient is large, and the largest across the edge.

    Of two equal neighbours across an edge one counts, so that a clean step gives a line of one pixel.
    """
    right, down = sobel(images)
    size = (right.square() + down.square()).sqrt() / 8  # a step from -1 to 1 has a response of 8
    octant = (torch.atan2(down, right) / (torch.pi / 4)).round().long() % 4  # of the line, either way
    ahead = _at(octant, [_shifted(size, y, x) for y, x in _AHEAD])
    behind = _at(octant, [_shifted(size, -y, -x) for y, x in _AHEAD])
    return ((size > THRESHOLD) & (size > ahead) & (size >= behind)).float()


def edge_agreement(
    drawn: Float[Tensor, "N 1 H W"], wanted: Float[Tensor, "N 1 H W"], tolerance: bool = True
) -> dict[str, float]:
    """Precision, recall and F1 of edge maps, each the mean over the images.

    Args:
        drawn: Edges found in what was made.
        wanted: Edges that were asked for.
        tolerance: An edge also counts as met one pixel above, below, left or right of it.
    """
    reach = _widened if tolerance else torch.Tensor.clone
    precision = _share(drawn, reach(wanted))
    recall = _share(wanted, reach(drawn))
    f1 = 2 * precision * recall / (precision + recall).clamp(min=1e-9)
    return {
        "edge_precision": precision.mean().item(),
        "edge_recall": recall.mean().item(),
        "edge_f1": f1.mean().item(),
    }


def _share(edges: Float[Tensor, "N 1 H W"], region: Float[Tensor, "N 1 H W"]) -> Float[Tensor, "N"]:
    """Share of each image's edges that lie in the region; 0 where it has no edges."""
    return (edges * region).flatten(1).sum(1) / edges.flatten(1).sum(1).clamp(min=1)


def _widened(edges: Float[Tensor, "N 1 H W"]) -> Float[Tensor, "N 1 H W"]:
    """Every edge with its four neighbours."""
    return torch.stack([edges, *(_shifted(edges, y, x) for y, x in ((0, 1), (1, 0), (0, -1), (-1, 0)))]).amax(
        0
    )


def _shifted(image: Float[Tensor, "N 1 H W"], down: int, right: int) -> Float[Tensor, "N 1 H W"]:
    """The neighbour of every pixel, `down` and `right` of it by at most one; 0 outside."""
    h, w = image.shape[-2:]
    return F.pad(image, [1] * 4)[..., 1 + down : 1 + down + h, 1 + right : 1 + right + w]


def _at(index: Tensor, choices: Sequence[Tensor]) -> Tensor:
    """For every pixel the choice that `index` names."""
    return torch.stack(list(choices)).gather(0, index[None])[0]
