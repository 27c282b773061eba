"""Seeded randomness as a pure function of (seed, purpose, step): nothing to store, nothing to resume."""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor


def stable_seed(*parts: object) -> int:
    """A 63-bit seed from any printable parts, the same on every machine and Python."""
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1


def generator(*parts: object, device: torch.device | str = "cpu") -> torch.Generator:
    """A torch generator seeded from `parts`."""
    return torch.Generator(device).manual_seed(stable_seed(*parts))


class BatchRandom:
    """The random draws of one training step.

    What trains beside a run's own system names another `purpose`: a run of the same seed else sees its draws.
    Every draw is made for the whole batch of `batch_size` items and cut to this rank's share, so that the
    union over ranks does not depend on how many there are.
    """

    def __init__(
        self, seed: int, step: int, batch_size: int, rank: int = 0, world_size: int = 1,
        device: torch.device | str = "cpu", purpose: str = "step",
    ) -> None:  # fmt: skip
        self.step = step
        self.total = batch_size
        self.share = batch_size // world_size  # items of this rank
        self._slice = slice(rank * self.share, (rank + 1) * self.share)
        self._generator = generator(seed, purpose, step, device=device)
        self._device = device

    def normal(self, *shape: int) -> Tensor:
        """Standard normal, (share, *shape)."""
        return torch.randn(self.total, *shape, generator=self._generator, device=self._device)[self._slice]

    def uniform(self, *shape: int) -> Tensor:
        """Uniform in [0, 1), (share, *shape)."""
        return torch.rand(self.total, *shape, generator=self._generator, device=self._device)[self._slice]

    def integers(self, low: int, high: int, *shape: int) -> Tensor:
        """Integers in [low, high), (share, *shape)."""
        size = (self.total, *shape)
        drawn = torch.randint(low, high, size, generator=self._generator, device=self._device)
        return drawn[self._slice]

    def common_integer(self, low: int, high: int) -> int:
        """One integer in [low, high), the same on every rank."""
        drawn = torch.randint(low, high, (1,), generator=self._generator, device=self._device)
        return int(drawn)

    def permutations(self, n: int) -> Tensor:
        """A random permutation of range(n) for every item, (share, n)."""
        keys = torch.rand(self.total, n, generator=self._generator, device=self._device)
        return keys.argsort(dim=1)[self._slice]
