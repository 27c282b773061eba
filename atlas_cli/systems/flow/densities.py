"""Densities that need no training, to stand beside a trained one, and the integral over a grid.

Shapes:  N points that a density is made of, M points where it is asked, D coordinates.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

_AT_ONCE = 2_000_000  # distances held in memory
WIDTHS = (0.02, 0.03, 0.045, 0.07, 0.1, 0.15)  # of kernels, in units of the points; the best is taken


def gaussian(points: Float[Tensor, "N D"], at: Float[Tensor, "M D"]) -> Float[Tensor, "M"]:
    """Log-density of the Gaussian with the points' mean and covariance: the likeliest of all."""
    return torch.distributions.MultivariateNormal(points.mean(0), points.T.cov()).log_prob(at)


def kernels(
    points: Float[Tensor, "N D"], at: Float[Tensor, "M D"], width: float
) -> Float[Tensor, "M"]:  # fmt: skip
    """Log-density of equal Gaussians, one round each point: log mean exp(-|x - x_i|^2 / 2 width^2)."""
    dim = points.shape[1]
    rows = max(1, _AT_ONCE // len(points))
    sums = [
        (torch.cdist(part, points).square() / (-2 * width**2)).logsumexp(1) for part in at.split(rows)
    ]  # fmt: skip
    return torch.cat(sums) - math.log(len(points)) - dim / 2 * math.log(math.tau * width**2)


def best_width(
    points: Float[Tensor, "N D"], seen: Float[Tensor, "M D"], widths: Sequence[float] = WIDTHS
) -> float:
    """The width under which other points are likeliest."""
    return max(widths, key=lambda width: float(kernels(points, seen, width).mean()))


def mass(
    log_density: Callable[[Float[Tensor, "M 2"]], Float[Tensor, "M"]], half: float, cells: int,
    device: torch.device | str = "cpu",
) -> float:  # fmt: skip
    """Integral over the square [-half, half]^2: the mean density of its cells' centres, times its area."""
    edge = 2 * half / cells
    centres = (torch.arange(cells, device=device) + 0.5) * edge - half
    return float(log_density(torch.cartesian_prod(centres, centres)).exp().sum()) * edge**2
