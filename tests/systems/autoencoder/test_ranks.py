"""Two processes with half a batch each move their codes as one with the whole batch does."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from atlas_cli.systems.autoencoder import vq_vae
from atlas_cli.systems.autoencoder.vq_vae import Config, VectorQuantiser


class Pair:
    """What torch.distributed does, between two threads."""

    def __init__(self) -> None:
        self.barrier, self.held, self.own = threading.Barrier(2), [None, None], threading.local()

    def is_available(self) -> bool:
        return True

    is_initialized = is_available

    def get_world_size(self) -> int:
        return 2

    def _meet(self, x: torch.Tensor) -> list[torch.Tensor]:
        self.held[self.own.rank] = x.clone()  # type: ignore[call-overload]
        self.barrier.wait(10)
        both = list(self.held)
        self.barrier.wait(10)
        return both  # type: ignore[return-value]

    def all_reduce(self, x: torch.Tensor) -> None:
        x.copy_(sum(self._meet(x)))  # type: ignore[arg-type]

    def all_gather(self, parts: list[torch.Tensor], x: torch.Tensor) -> None:
        for part, theirs in zip(parts, self._meet(x), strict=True):
            part.copy_(theirs)


@pytest.mark.parametrize("stages", [1, 2])
def test_halves_of_a_batch_move_codes_as_the_whole_does(stages: int, monkeypatch: pytest.MonkeyPatch):
    config = Config(codes=7, dim=3, stages=stages, decay=0.5, rare=0.9)
    torch.manual_seed(0)
    whole = VectorQuantiser(config).double()
    halves = [VectorQuantiser(config).double() for _ in range(2)]
    for half in halves:
        half.load_state_dict(whole.state_dict())
    z = torch.randn(8, 3, 2, 2, dtype=torch.float64)
    spots = torch.randint(4, (8,))
    before = whole.books[0].codes.clone()
    whole.follow(z, spots)
    pair = Pair()
    monkeypatch.setattr(vq_vae, "dist", pair)

    def run(rank: int) -> None:
        pair.own.rank = rank
        part = slice(4 * rank, 4 * rank + 4)
        halves[rank].follow(z[part], spots[part])

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(run, range(2)))
    assert not torch.equal(before, whole.books[0].codes)
    for half in halves:
        for mine, theirs in zip(half.books, whole.books, strict=True):
            torch.testing.assert_close(mine.codes, theirs.codes)
            torch.testing.assert_close(mine.share, theirs.share)
