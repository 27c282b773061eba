"""The loop: schedule in closed form, bit-exact resume, divergence, signals, best and newest checkpoints."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from atlas_cli.config import SystemConfig
from atlas_cli.engine.loop import fit, learning_rate_factor
from atlas_cli.engine.system import Setting, System
from atlas_cli.errors import DivergedError, InterruptedRun
from atlas_cli.recipe.recipes import TrainConfig
from atlas_cli.runs import checkpoint
from atlas_cli.runs.folder import RunFolder


class Line(System):
    """Least squares with dropout, so that torch's own generator takes part; `explode_at` gives a NaN."""

    explode_at = -1

    def __init__(self) -> None:
        super().__init__(SystemConfig())
        torch.manual_seed(0)
        self.net = nn.Sequential(nn.Linear(3, 8), nn.Dropout(0.5), nn.Linear(8, 1))

    def batch(self, step: int):
        x = self.setting.random(step).normal(3)
        return x, x.sum(1, keepdim=True), step

    def loss(self, batch):
        x, y, step = batch
        scale = math.nan if step == self.explode_at else 1.0
        return ((self.net(x) - y) ** 2).mean() * scale, {}


def line(**train: object) -> Line:
    fields = {"steps": 20, "batch_size": 8, "lr": 0.01, "ema": 0.9, "precision": "fp32", **train}
    return Line().attach(Setting(None, TrainConfig(**fields)))  # type: ignore[return-value]


def run_dir(root: Path) -> RunFolder:
    return RunFolder.create(root, "line/small")


def tensors(system: System, ema: object) -> dict[str, torch.Tensor]:
    return {**system.state_dict(), **{f"ema.{k}": v for k, v in ema.state_dict().items()}}  # type: ignore[attr-defined]


def test_resume_is_bit_equal_to_a_straight_run(tmp_path: Path) -> None:
    straight_run, broken_run = run_dir(tmp_path), run_dir(tmp_path)
    straight = line()
    straight_fit = fit(straight, run=straight_run)
    with pytest.raises(InterruptedRun) as stopped:
        fit(line(), run=broken_run, stop=StopAfter(7))
    assert stopped.value.code == 130
    resumed = line()
    state = checkpoint.load(checkpoint.newest_valid(broken_run.checkpoints)[0])
    assert state.step == 7
    resumed_fit = fit(resumed, run=broken_run, start=state)
    a, b = tensors(straight, straight_fit.ema), tensors(resumed, resumed_fit.ema)
    assert a.keys() == b.keys()
    for name in a:
        assert torch.equal(a[name], b[name]), name
    drop = ("seconds",)
    rows = [
        [{k: v for k, v in r.items() if k not in drop} for r in run.read_metrics()]
        for run in (straight_run, broken_run)
    ]
    assert rows[0] == rows[1]


class StopAfter:
    """A stop request that comes during step n."""

    exit_code = 130

    def __init__(self, n: int) -> None:
        self.left = n

    @property
    def requested(self) -> bool:
        self.left -= 1
        return self.left <= 0


def test_nan_stops_with_code_5_and_keeps_the_last_good_checkpoint(tmp_path: Path) -> None:
    run, system = run_dir(tmp_path), line(checkpoint_every=4)
    system.explode_at = 10
    with pytest.raises(DivergedError) as stopped:
        fit(system, run=run)
    assert stopped.value.code == 5
    state = checkpoint.load(checkpoint.newest_valid(run.checkpoints)[0])
    assert state.step == 8
    assert all(t.isfinite().all() for t in state.weights.values())
    assert checkpoint.read_best(run.checkpoints)[0] <= 8  # type: ignore[index]


def test_the_newest_three_checkpoints_and_the_best_are_kept(tmp_path: Path) -> None:
    run = run_dir(tmp_path)
    fit(line(checkpoint_every=2), run=run)
    steps = sorted(int(p.name.removeprefix("step-")) for p in run.checkpoints.glob("step-*"))
    best = checkpoint.read_best(run.checkpoints)
    assert best is not None
    assert steps == sorted({16, 18, 20, best[0]})


def test_learning_rate_warms_up_stays_and_decays() -> None:
    train = TrainConfig(steps=100, lr=1.0, warmup=10, decay_from=0.5, final_lr=0.1)
    assert [learning_rate_factor(s, train) for s in (0, 9, 10, 49)] == [0.1, 1.0, 1.0, 1.0]
    assert learning_rate_factor(75, train) == pytest.approx(0.1 + 0.9 * 0.5)
    assert learning_rate_factor(100, train) == pytest.approx(0.1)
    linear = train.model_copy(update={"lr_schedule": "linear"})
    assert learning_rate_factor(60, linear) == pytest.approx(0.1 + 0.9 * 0.8)


def test_clipping_bounds_the_update_of_plain_descent() -> None:
    class Descent(Line):
        def optimizers(self):
            return {"main": torch.optim.SGD(self.parameters(), lr=1.0)}

    system = Descent().attach(
        Setting(None, TrainConfig(steps=1, batch_size=8, lr=1.0, grad_clip=1e-3, precision="fp32"))
    )
    before = [p.detach().clone() for p in system.parameters()]
    fit(system)
    moved = math.sqrt(
        sum(float(((p.detach() - b) ** 2).sum()) for p, b in zip(system.parameters(), before, strict=True))
    )
    assert moved == pytest.approx(1e-3, rel=1e-3)


def test_ema_is_the_running_average_with_its_warm_start() -> None:
    from atlas_cli.engine.ema import Ema

    module = nn.Linear(1, 1, bias=False)
    ema, expected = Ema(module, 0.5), module.weight.item()
    for n in range(4):
        nn.init.constant_(module.weight, float(n))
        ema.update(module)
        decay = min(0.5, (1 + n) / (10 + n))
        expected = decay * expected + (1 - decay) * n
    own = module.weight.item()
    with ema.applied(module):
        assert module.weight.item() == pytest.approx(expected)
    assert module.weight.item() == own


def test_progress_sees_every_step() -> None:
    seen: list[int] = []
    fit(line(), progress=SimpleNamespace(update=lambda step, metrics, seconds: seen.append(step)))  # type: ignore[arg-type]
    assert seen == list(range(1, 21))
