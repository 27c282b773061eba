"""Two ranks in two threads, small towers, and scenes for the tests of clip and siglip."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from atlas_cli import data
from atlas_cli.systems.contrastive import towers

TINY = {"width": 4, "d_text": 16, "text_layers": 1, "n_head": 2, "d_embed": 8}


def scenes(n_train: int = 64, n_test: int = 40):
    return data.load({"name": "shapes", "n_train": n_train, "n_test": n_test})


def units(n: int, d: int = 5, seed: int = 0) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    return F.normalize(torch.randn(n, d, generator=random, dtype=torch.float64), dim=1)


class _Pair:
    """What torch.distributed does, between two threads."""

    def __init__(self) -> None:
        self.barrier, self.held, self.own = threading.Barrier(2), [None, None], threading.local()

    def is_available(self) -> bool:
        return True

    is_initialized = is_available

    def get_world_size(self) -> int:
        return 2

    def get_rank(self) -> int:
        return self.own.rank

    def _meet(self, x: Tensor) -> list[Tensor]:
        self.held[self.own.rank] = x.detach().clone()  # type: ignore[call-overload]
        self.barrier.wait(10)
        both = list(self.held)
        self.barrier.wait(10)
        return both  # type: ignore[return-value]

    def all_reduce(self, x: Tensor) -> None:
        x.copy_(sum(self._meet(x)))  # type: ignore[arg-type]

    def all_gather(self, parts: list[Tensor], x: Tensor) -> None:
        for part, theirs in zip(parts, self._meet(x), strict=True):
            part.copy_(theirs)


def mean_gradients_of_two_ranks(
    monkeypatch: pytest.MonkeyPatch, leaves: list[Tensor], loss: Callable[[int, list[Tensor]], Tensor]
) -> list[Tensor]:
    """The gradients of a loss that each rank takes of its own share, averaged as the engine does."""
    pair = _Pair()
    monkeypatch.setattr(towers, "dist", pair)
    own = [[leaf.detach().clone().requires_grad_() for leaf in leaves] for _ in range(2)]

    def run(rank: int) -> list[Tensor]:
        pair.own.rank = rank
        return list(torch.autograd.grad(loss(rank, own[rank]), own[rank]))

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(run, range(2))
    return [(a + b) / 2 for a, b in zip(first, second, strict=True)]
