"""The Frechet distance between two Gaussians: how far apart two sets of features lie, in mean and in spread.

Source:  Dowson and Landau 1982; as a measure of generated images: Heusel et al. 2017, arXiv:1706.08500.
         d^2 = |m1 - m2|^2 + tr(C1 + C2 - 2 (C1^(1/2) C2 C1^(1/2))^(1/2)); returned is d^2, as is the custom.
Shapes:  N samples, D feature dimensions.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor


class Moments(NamedTuple):
    """Mean and covariance of a set of features, in double precision."""

    mean: Float[Tensor, "D"]
    covariance: Float[Tensor, "D D"]


def moments(features: Float[Tensor, "N D"]) -> Moments:
    """Sample mean and unbiased covariance; N must be at least 2."""
    if len(features) < 2:
        raise ValueError("a covariance needs at least two samples")
    features = features.cpu().double()
    return Moments(features.mean(0), features.T.cov())


def frechet_distance(one: Moments, other: Moments) -> float:
    """The squared distance; zero for equal moments, never negative.

    C1^(1/2) C2 C1^(1/2) is symmetric, so two symmetric eigenproblems do, where the square root of the product
    C1 C2, which is not symmetric, would turn complex for singular covariances.
    """
    root = _square_root(one.covariance)
    product = root @ other.covariance @ root
    cross = torch.linalg.eigvalsh((product + product.T) / 2).clamp(min=0).sqrt().sum()
    shift = (one.mean - other.mean).square().sum()
    distance = shift + one.covariance.trace() + other.covariance.trace() - 2 * cross
    return max(float(distance), 0.0)


def _square_root(covariance: Float[Tensor, "D D"]) -> Float[Tensor, "D D"]:
    """The symmetric root; eigenvalues that rounding made negative count as zero."""
    values, vectors = torch.linalg.eigh(covariance)
    return (vectors * values.clamp(min=0).sqrt()) @ vectors.T
