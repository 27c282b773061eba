"""Flow matching on a finite set of pairs, whose field is known exactly: no network is trained.

A pair is a noise point and a datum, and moves straight from one to the other. Around it, as wide as
`spread`, lies a Gaussian tube; the best velocity at a place is the mean over the tubes that pass there.
This is the conditional path of Tong et al. 2023 (arXiv:2302.00482), N(t data + (1 - t) noise, spread^2).
Shapes: N pairs, B points.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from atlas_cli.explorables.flow._data import ring

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class Pairs:
    """Noise points and their data, (N, 2) each, and the standard deviation of the tube around a pair."""

    noise: Tensor
    data: Tensor
    spread: float

    def at(self, t: float) -> Tensor:
        """Where the pairs are at time t, (N, 2)."""
        return t * self.data + (1 - t) * self.noise

    def velocity(self, x: Tensor, t: float) -> Tensor:
        """The mean of data - noise over the pairs that may have led to x, (B, 2)."""
        nearness = -(x[:, None] - self.at(t)).square().sum(-1) / (2 * self.spread**2)  # (B, N)
        return nearness.softmax(1) @ (self.data - self.noise)


def independent_velocity(x: Tensor, t: float, spread: float) -> Tensor:
    """The same, (B, 2), where every noise may be paired with every datum that there is.

    No pairs are needed: x is t data + a Gaussian of variance (1 - t)^2 + spread^2, and of what is not data
    the noise has its share of that variance.
    """
    variance = (1 - t) ** 2 + spread**2
    data = ring().posterior_mean(x, t, variance**0.5)
    return data - (1 - t) / variance * (x - t * data)
