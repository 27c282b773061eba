"""The number of threads: a share for each local rank, and asking for it changes nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from atlas_cli.engine import device


@pytest.fixture(autouse=True)
def _own_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = torch.get_num_threads()
    monkeypatch.setattr(device, "cores", lambda: 6)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(("ranks", "share"), [(None, 6), ("1", 6), ("2", 3), ("4", 1), ("8", 1)])
def test_ranks_share_the_cores(monkeypatch: pytest.MonkeyPatch, ranks: str | None, share: int) -> None:
    monkeypatch.delenv("LOCAL_WORLD_SIZE", raising=False)
    if ranks:
        group = {"RANK": "0", "WORLD_SIZE": "8", "MASTER_ADDR": "here", "MASTER_PORT": "1"}
        for name, value in {**group, "LOCAL_WORLD_SIZE": ranks}.items():
            monkeypatch.setenv(name, value)
    assert device.threads(0) == share
    assert device.threads(5) == 5  # what the recipe asks for is for each of them
    device.set_threads(0)
    assert torch.get_num_threads() == share


def test_asking_changes_nothing() -> None:
    torch.set_num_threads(1)
    device.cores(), device.threads(0), device.threads(4)
    assert torch.get_num_threads() == 1
