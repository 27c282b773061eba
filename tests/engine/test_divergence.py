"""Fault 15: what is not finite is not stepped on, saved or called best, and a resume goes on from before."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from atlas_cli.engine.loop import fit
from atlas_cli.engine.system import System
from atlas_cli.errors import DivergedError
from atlas_cli.runs import checkpoint
from atlas_cli.runs.folder import RunFolder
from tests.engine.lines import Alternating, InfiniteConstant, Leap, Line, OnRankOne, ZeroNorm, attached

GOOD = 4  # steps before the fault
GROUP = {"WORLD_SIZE": "2", "MASTER_ADDR": "none", "MASTER_PORT": "0"}  # they meet in a file

FAULTS = [
    (Line, "loss is nan"),
    (InfiniteConstant, "loss is inf"),
    (ZeroNorm, "gradient norm is nan"),
    (Alternating, "gradient norm is nan"),
    (Leap, "net.weight is not finite"),
]


def assert_all_good(folder: Path) -> None:
    """Every checkpoint is finite to the last number, and best.json names one of them."""
    paths = sorted(folder.glob("step-*"))
    assert paths
    for path in paths:
        state = checkpoint.load(path)
        assert state.ema is not None
        for tensor in (*state.weights.values(), *state.ema.values()):
            assert tensor.isfinite().all(), path
    best = checkpoint.read_best(folder)
    assert best is not None
    assert best[0] <= GOOD


@pytest.mark.parametrize(("kind", "words"), FAULTS, ids=[kind.__name__ for kind, _ in FAULTS])
def test_a_fault_stops_the_run_and_the_resume_goes_on_from_the_last_good_step(
    tmp_path: Path, kind: type[Line], words: str
) -> None:
    torch.manual_seed(0)
    run = RunFolder.create(tmp_path, "line/small")
    with pytest.raises(DivergedError, match=words) as stopped:
        fit(attached(kind(GOOD)), run=run)
    assert stopped.value.code == 5
    assert f"step {GOOD}, the last good one, is kept in {run.path}" in stopped.value.what
    assert_all_good(run.checkpoints)
    state = checkpoint.load(checkpoint.newest_valid(run.checkpoints)[0])
    assert state.step == GOOD
    resumed = attached(kind())  # the fault is mended
    assert fit(resumed, run=run, start=state).step == 8
    assert checkpoint.not_finite(resumed.state_dict()) is None


@pytest.mark.parametrize("kind", [Line, InfiniteConstant, ZeroNorm])
def test_no_optimizer_steps_on_it(kind: type[Line]) -> None:
    system = attached(kind(0))
    before = {name: tensor.clone() for name, tensor in system.state_dict().items()}
    with pytest.raises(DivergedError, match="nothing was saved"):
        fit(system)
    assert all(torch.equal(tensor, before[name]) for name, tensor in system.state_dict().items())


def test_of_optimizers_that_step_together_none_steps() -> None:
    class Two(ZeroNorm):
        def optimizers(self):
            parts = {"bias": [self.net.bias], "weight": [self.net.weight]}  # the NaN is the second one's
            return {n: torch.optim.SGD(p, lr=0.1) for n, p in parts.items()}

    system = attached(Two(0))
    bias = system.net.bias.detach().clone()  # type: ignore[union-attr, operator]
    with pytest.raises(DivergedError):
        fit(system)
    assert torch.equal(system.net.bias, bias)  # type: ignore[union-attr, arg-type]


def test_a_buffer_that_is_not_finite_is_not_saved(tmp_path: Path) -> None:
    class Counting(Line):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("seen", torch.ones(2))

        def step(self, batch, optimizers):
            self.seen /= 0.0 if batch[1] == GOOD else 1.0
            return super().step(batch, optimizers)

    run = RunFolder.create(tmp_path, "line/small")
    with pytest.raises(DivergedError, match=f"seen is not finite after step {GOOD + 1}"):
        fit(attached(Counting()), run=run)
    assert_all_good(run.checkpoints)


def test_a_nan_on_the_second_of_two_ranks_stops_both(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.engine.lines", str(tmp_path)]
    ranks = [
        subprocess.Popen([*command, str(rank)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                         env={**os.environ, **GROUP, "RANK": str(rank)})
        for rank in range(2)
    ]  # fmt: skip
    said = [process.communicate(timeout=120) for process in ranks]
    assert [process.returncode for process in ranks] == [5, 5], said
    assert all(f"gradient norm is nan at step {GOOD}" in out for out, _ in said)
    run = RunFolder(next(tmp_path.glob("line-small-*")))
    assert_all_good(run.checkpoints)
    state = checkpoint.load(checkpoint.newest_valid(run.checkpoints)[0])
    assert state.step == GOOD
    alone: System = attached(OnRankOne())
    assert fit(alone, run=run, start=state).step == 8


def test_a_checkpoint_that_an_earlier_version_saved_with_nan_is_passed_over(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path, "line/small")
    fit(attached(Line(), steps=3), run=run)
    newest = checkpoint.load(checkpoint.path_of(run.checkpoints, 3))
    newest.weights["net.weight"][0, 1] = torch.nan
    checkpoint.save(run.checkpoints, newest)
    path, skipped = checkpoint.newest_valid(run.checkpoints)
    assert path == checkpoint.path_of(run.checkpoints, 2)
    assert len(skipped) == 1
    assert "holds NaN or infinity in net.weight" in skipped[0]
