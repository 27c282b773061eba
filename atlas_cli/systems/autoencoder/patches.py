"""k-means on patches of pixels: what a tokenizer without any network would be, code for code.

Each patch is replaced by the nearest of K means; with more stages, what is left over by the nearest of K
further means, and so on. As many codes an image and as many bits as the learned tokenizer has.
Shapes:  N patches, D = C f f numbers of one, for patches of f x f pixels; K means.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from atlas_cli.data.images import ImageSource, to_float

FITTED_ON = 60_000  # patches, drawn from training images
ROUNDS = 30  # of Lloyd's algorithm: the error has settled to a thousandth by then


@dataclass(frozen=True)
class Patches:
    """Means of patches, stage after stage.

    Attributes:
        side: f, pixels.
        means: Of each stage.
    """

    side: int
    means: list[Float[Tensor, "K D"]]

    @classmethod
    def fitted(
        cls, source: ImageSource, side: int, k: int, stages: int, generator: torch.Generator
    ) -> Patches:
        """Means of the patches of a source's training images."""
        images = source.train_images
        per_image = (images.shape[-1] // side) ** 2
        wanted = min(len(images), -(-FITTED_ON // per_image))
        chosen = torch.randperm(len(images), generator=generator, device=generator.device)[:wanted]
        rest, means = cut(to_float(images[chosen]), side), []
        for _ in range(stages):
            found = k_means(rest, k, generator)
            rest = rest - found[nearest(rest, found)]
            means.append(found)
        return cls(side, means)

    def rebuild(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        """Images of which every patch is a sum of means."""
        rest = patches = cut(images, self.side)
        for means in self.means:
            rest = rest - means[nearest(rest, means)]
        return paste(patches - rest, images.shape, self.side).clamp(-1, 1)


def k_means(x: Float[Tensor, "N D"], k: int, generator: torch.Generator) -> Float[Tensor, "K D"]:
    """Lloyd's algorithm from well spread means. One that nothing chooses goes to the worst served vector."""
    means = spread_out(x, k, generator)
    for _ in range(ROUNDS):
        distance, chosen = torch.cdist(x, means).min(1)
        counts = torch.bincount(chosen, minlength=len(means))
        sums = torch.zeros_like(means).index_add_(0, chosen, x)
        means = sums / counts.clamp(min=1)[:, None]
        empty = (counts == 0).nonzero().flatten()
        means[empty] = x[distance.topk(len(empty)).indices]
    return means


def spread_out(x: Float[Tensor, "N D"], k: int, generator: torch.Generator) -> Float[Tensor, "K D"]:
    """Vectors, each drawn with a chance that grows as its squared distance to those before it (k-means++)."""
    first = torch.randint(len(x), (1,), generator=generator, device=generator.device)
    means = x[first]
    away = (x - means).square().sum(1)
    for _ in range(k - 1):
        chance = away if bool(away.any()) else torch.ones_like(away)  # fewer distinct vectors than means
        drawn = x[torch.multinomial(chance, 1, generator=generator)]
        means = torch.cat([means, drawn])
        away = torch.minimum(away, (x - drawn).square().sum(1))
    return means


def nearest(x: Float[Tensor, "N D"], means: Float[Tensor, "K D"]) -> Int[Tensor, "N"]:
    return torch.cdist(x, means).argmin(1)


def cut(images: Float[Tensor, "B C H W"], side: int) -> Float[Tensor, "N D"]:
    """The patches of images, row by row."""
    folded = F.pixel_unshuffle(images, side)  # (B, D, h, w)
    return folded.permute(0, 2, 3, 1).reshape(-1, folded.shape[1])


def paste(patches: Float[Tensor, "N D"], shape: torch.Size, side: int) -> Float[Tensor, "B C H W"]:
    """The inverse of `cut`."""
    b, _, height, width = shape
    folded = patches.view(b, height // side, width // side, -1).permute(0, 3, 1, 2)
    return F.pixel_shuffle(folded, side)
