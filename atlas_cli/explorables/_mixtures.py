"""Mixtures of Gaussians: data for which the best denoiser and the best velocity are known exactly.

With x = signal * data + sigma * noise, everything that a perfectly trained network would say follows from
the posterior mean E[data | x]. Shapes: B points, K modes, D dimensions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Mixture:
    """Gaussians of one width."""

    means: Tensor  # (K, D)
    weights: Tensor  # (K,), summing to one
    std: float

    def draw(self, n: int, seed: int) -> Tensor:
        """n points, (n, D)."""
        generator = torch.Generator().manual_seed(seed)
        chosen = torch.multinomial(self.weights, n, replacement=True, generator=generator)
        noise = torch.randn(n, self.means.shape[1], generator=generator)
        return self.means[chosen] + self.std * noise

    def log_joint(self, x: Tensor, signal: float = 1.0, sigma: float = 0.0) -> Tensor:
        """log p(mode, x) of points (B, D) that have been scaled and noised; (B, K)."""
        variance = (signal * self.std) ** 2 + sigma**2
        distance = (x[:, None] - signal * self.means).square().sum(-1)
        size = self.means.shape[1] * torch.log(torch.tensor(2 * torch.pi * variance))
        return self.weights.log() - distance / (2 * variance) - size / 2

    def density(self, x: Tensor, signal: float = 1.0, sigma: float = 0.0) -> Tensor:
        """p(x), (B,)."""
        return self.log_joint(x, signal, sigma).logsumexp(1).exp()

    def posterior_mean(self, x: Tensor, signal: float, sigma: float) -> Tensor:
        """E[data | x], (B, D): what the best denoiser says."""
        variance = (signal * self.std) ** 2 + sigma**2
        share = self.log_joint(x, signal, sigma).softmax(1)  # (B, K): which mode it came from
        pull = signal * self.std**2 / variance * (x[:, None] - signal * self.means)
        return (share[..., None] * (self.means + pull)).sum(1)


def equal_mixture(means: Sequence[Sequence[float]], std: float) -> Mixture:
    """A mixture whose modes weigh the same."""
    return Mixture(torch.tensor(means), torch.full((len(means),), 1 / len(means)), std)
