"""Two processes with half the batch each learn what one learns with all of it; only rank 0 writes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import torch

from atlas_cli.engine import distributed, launcher
from atlas_cli.engine.descent import guard
from atlas_cli.errors import EnvironmentFault, RankLost
from atlas_cli.runs import checkpoint
from tests.e2e.helpers import ROOT, atlas, environment

RECIPES = ["ddpm/smoke", "gan/smoke", "mamba/smoke"]
COMMON = ["--set", "train.precision=fp32", "--set", "train.steps=8"]


def weights(cwd: Path, run: str) -> dict[str, torch.Tensor]:
    path, _ = checkpoint.newest_valid(cwd / run / "checkpoints")
    state = checkpoint.load(path)
    return {**state.weights, **{f"ema.{k}": v for k, v in (state.ema or {}).items()}}


def assert_close(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> None:
    assert a.keys() == b.keys()
    for name in a:
        torch.testing.assert_close(
            a[name], b[name], atol=1e-5, rtol=0, msg=lambda m, name=name: f"{name}: {m}"
        )


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, str]]:
    """The folder of a recipe that one process trained, once, and what it printed."""

    @cache
    def trained(recipe: str) -> tuple[Path, str]:
        folder = tmp_path_factory.mktemp("alone")
        one = atlas("train", recipe, *COMMON, "--out", "one", cwd=folder)
        assert one.returncode == 0, one.stderr
        return folder / "one", one.stdout

    return trained


@pytest.mark.parametrize("recipe", RECIPES)
def test_two_processes_learn_the_weights_of_one(tmp_path: Path, recipe: str, alone) -> None:
    one, said = alone(recipe)
    two = atlas("train", recipe, *COMMON, "--out", "two", "--devices", "2", cwd=tmp_path)
    assert two.returncode == 0, two.stderr
    name = recipe.replace("/", "-") + "-1"
    assert_close(weights(one, name), weights(tmp_path / "two", name))
    assert [p.name for p in (tmp_path / "two").iterdir()] == [name]  # one folder, one writer
    assert two.stderr.count("run folder") == 1
    assert two.stdout.count("nothing was judged") == said.count("nothing was judged")


def test_torchrun_works_as_it_is(tmp_path: Path, alone) -> None:
    one, _ = alone("ddpm/smoke")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m"]
    two = subprocess.run(
        [*command, "atlas_cli", "train", "ddpm/smoke", *COMMON, "--out", "two"], cwd=tmp_path,
        env=environment(tmp_path / "home"), text=True, capture_output=True, timeout=240, check=False,
    )  # fmt: skip
    assert two.returncode == 0, two.stderr
    assert_close(weights(one, "ddpm-smoke-1"), weights(tmp_path / "two", "ddpm-smoke-1"))


def test_a_batch_that_cannot_be_shared_is_refused(tmp_path: Path) -> None:
    result = atlas("train", "ddpm/smoke", "--set", "train.batch_size=15", "--devices", "2", cwd=tmp_path)
    assert result.returncode == 2
    assert "batch of 15 cannot be shared by 2" in result.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs POSIX signals")
def test_when_a_rank_dies_every_rank_ends(tmp_path: Path) -> None:
    """A NaN on the ranks ends all of them with the code of a divergence, not a hang."""
    diverging = ["--set", "train.lr=1000", "--set", "train.warmup=0"]
    result = atlas("train", "ddpm/smoke", *COMMON, *diverging, "--devices", "2", cwd=tmp_path)
    assert result.returncode == 5, result.stderr


def test_gradients_are_averaged_and_not_summed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Adam does not notice a gradient twice as large, so the mean is checked with plain descent."""
    other = torch.tensor([3.0, -1.0])  # what the second rank computed
    monkeypatch.setattr(distributed.dist, "is_initialized", lambda: True)
    monkeypatch.setattr(distributed.dist, "all_reduce", lambda flat: flat[:2].add_(other))
    monkeypatch.setattr(distributed, "world_size", lambda: 2)
    weight = torch.nn.Parameter(torch.zeros(2))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    guard(optimizer, grad_clip=0.0)
    weight.grad = torch.tensor([1.0, 1.0])
    optimizer.step()
    assert torch.equal(weight.detach(), torch.tensor([-2.0, 0.0]))


def test_what_rank_0_does_alone_may_take_longer_than_a_step_and_its_end_is_noticed() -> None:
    group = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(launcher._free_port())}
    ranks = [
        subprocess.Popen([sys.executable, "-m", "tests.engine.meeting"], stdout=subprocess.PIPE, text=True,
                         cwd=ROOT, env={**os.environ, **group, "RANK": str(rank)})
        for rank in range(2)
    ]  # fmt: skip
    said = [process.communicate(timeout=60)[0].splitlines() for process in ranks]
    assert said == [["figures"], ["figures", "another process of the group has ended"]]
    assert [process.returncode for process in ranks] == [9, RankLost.code]


@pytest.mark.parametrize("devices", ["0", "-2"])
def test_no_processes_are_refused(tmp_path: Path, devices: str) -> None:
    result = atlas("train", "ddpm/smoke", "--devices", devices, cwd=tmp_path)
    assert result.returncode == 2
    assert "--devices" in result.stderr


def test_a_port_that_is_taken_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        group = {"RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
        for name, value in group.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(EnvironmentFault, match=f"cannot meet at 127.0.0.1:{port}") as error:
            distributed.join(torch.device("cpu"), 2)
    assert error.value.code == 4
    assert "MASTER_PORT" in error.value.hint
