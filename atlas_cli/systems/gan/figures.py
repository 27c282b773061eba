"""What a cloud of generated points is judged by."""

from __future__ import annotations

import torch
from jaxtyping import Float
from scipy.optimize import linear_sum_assignment
from torch import Tensor

N_POINTS = 2_500  # points that are generated to count modes, as in VEEGAN (arXiv:1705.07761)
N_CARRIED = 1_000  # of them are carried to real ones: pairing takes the cube of their number
GOOD_WITHIN = 3.0  # standard deviations between a good point and its mode, as there
FAIR_SHARE = 0.1  # of an even share of the points makes a mode count as found; VEEGAN asks for one point


def mode_figures(points: Float[Tensor, "N D"], modes: Float[Tensor, "K D"], std: float) -> dict[str, float]:
    """What a mixture of K narrow Gaussians of equal weight got.

    Returns:
        high_quality_share: Share of good points, within three standard deviations of their nearest mode; of
            real points in the plane 1 - exp(-9/2) = 0.989 are good.
        modes_found: Modes with at least a tenth of an even share of good points, FAIR_SHARE N / K.
    """
    distance, nearest = torch.cdist(points, modes).min(dim=1)
    good = distance < GOOD_WITHIN * std
    counts = nearest[good].bincount(minlength=len(modes))
    found = (counts >= FAIR_SHARE * len(points) / len(modes)).sum()
    return {"modes_found": float(found), "high_quality_share": good.float().mean().item()}


def energy_distance(a: Float[Tensor, "N D"], b: Float[Tensor, "N D"]) -> float:
    """2 E|a - b| - E|a - a'| - E|b - b'|: zero for equal distributions (Szekely and Rizzo 2013)."""

    def within(x: Tensor) -> Tensor:
        return torch.cdist(x, x).sum() / (len(x) * (len(x) - 1))  # over pairs of different points

    return float(2 * torch.cdist(a, b).mean() - within(a) - within(b))


def wasserstein_distance(a: Float[Tensor, "N D"], b: Float[Tensor, "N D"]) -> float:
    """How far the points of `a` are carried on average to lie where those of `b` do, by the shortest pairing.

    Exact for the two sets (Kuhn 1955). Of two sets from one distribution it is not zero: no two coincide.
    """
    cost = torch.cdist(a, b).cpu().double()
    rows, columns = linear_sum_assignment(cost.numpy())
    return float(cost[rows, columns].mean())
