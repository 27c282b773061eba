"""Paths of probability between noise and a mixture of Gaussians, and the best velocity along them.

Time runs from 0, noise, to 1, data: x_t = t * data + (1 - t) * noise on the straight path. The data are a
mixture of Gaussians, so the best velocity E[dx_t / dt | x_t] is known exactly.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from atlas_cli.explorables._mixtures import Mixture


def schedule(t: float, path: str) -> tuple[float, float, float, float]:
    """Shares of data and noise in x_t, and their rates of change."""
    if path == "straight":
        return t, 1 - t, 1.0, -1.0
    angle = t * math.pi / 2  # variance-preserving: the squares of both shares add up to one
    rate = math.pi / 2
    return math.sin(angle), math.cos(angle), rate * math.cos(angle), -rate * math.sin(angle)


def velocity(mixture: Mixture, x: Tensor, t: float, path: str = "straight") -> Tensor:
    """E[dx_t / dt | x_t = x], (B, D): what flow matching trains a network to say."""
    signal, sigma, signal_rate, sigma_rate = schedule(t, path)
    if sigma < 1e-6:  # nothing but data is left: the noise behind it is unknown, and zero on average
        return signal_rate * x
    data = mixture.posterior_mean(x, signal, sigma)
    noise = (x - signal * data) / sigma
    return signal_rate * data + sigma_rate * noise
