"""What keeps an encoder from giving every image one feature: four losses, and one that lacks all four.

Source:  strangers: Chen et al. 2020, arXiv:2002.05709, eq. 1; a stopped side: SimSiam, arXiv:2011.10566,
         eq. 4, both the system's own functions. Balanced answers: SwAV, Caron et al. 2020, arXiv:2006.09882,
         evened by dino's function.
         Decorrelation: VICReg, Bardes et al. 2021, arXiv:2105.04906.
Shapes:  N images, P features, K prototypes.
Differs: `balanced` has prototypes that stand evenly on a circle and do not learn.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

PROTOTYPES = 8  # of `balanced`
SPREAD_WEIGHT, EPSILON = 25.0, 1e-4  # of `decorrelated`, as in the paper


def nothing(a: Tensor, b: Tensor) -> Tensor:
    """Two views shall agree, and that is all."""
    from atlas_cli.systems.contrastive.simclr import siamese_loss

    return siamese_loss(a, b, a, b, stop_gradient=False)


def strangers(a: Tensor, b: Tensor, temperature: float) -> Tensor:
    """A view shall find its partner among all others."""
    import torch

    from atlas_cli.systems.contrastive.simclr import info_nce

    return info_nce(torch.cat([a, b]), temperature)


def stopped(a: Tensor, b: Tensor, predictor: Tensor) -> Tensor:
    """A predictor, (P, P), tells one view from the other, which stands still."""
    from atlas_cli.systems.contrastive.simclr import siamese_loss

    return siamese_loss(a @ predictor.T, b @ predictor.T, a, b)


def balanced(a: Tensor, b: Tensor, temperature: float) -> Tensor:
    """A view tells which prototype the other is given to, where all prototypes get equal shares."""
    scores = [_scores(z) / temperature for z in (a, b)]
    (p, q), (log_p, log_q) = ([evened(s.detach()) for s in scores], [s.log_softmax(1) for s in scores])
    return -((p * log_q).sum(1) + (q * log_p).sum(1)).mean() / 2


def evened(scores: Tensor) -> Tensor:
    """Shares of each image, (N, K), with equal sums for all prototypes: dino's own rule."""
    from atlas_cli.systems.contrastive import dino

    return dino.evened(scores[None], 1.0)[0]


def decorrelated(a: Tensor, b: Tensor) -> Tensor:
    """Views agree, every feature varies over images, and no two features vary together."""
    import torch

    agreement = (a - b).square().mean()
    loss = SPREAD_WEIGHT * agreement
    for z in (a, b):
        covariance = torch.cov(z.T)  # (P, P)
        deviation = (covariance.diagonal() + EPSILON).sqrt()
        together = covariance.square().sum() - covariance.diagonal().square().sum()
        loss = loss + SPREAD_WEIGHT * (1 - deviation).relu().mean() + together / z.shape[1]
    return loss / SPREAD_WEIGHT


def _scores(z: Tensor) -> Tensor:
    """Cosines of features with prototypes that stand evenly on the circle, (N, K)."""
    import torch
    from torch.nn import functional as F

    turn = torch.arange(PROTOTYPES, dtype=z.dtype) * (2 * math.pi / PROTOTYPES)
    return F.normalize(z, dim=1) @ torch.stack([turn.cos(), turn.sin()])
