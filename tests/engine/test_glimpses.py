"""Glimpses of a training: when they are taken, what they cost, and that the training does not notice them."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from atlas_cli.engine import glimpses
from atlas_cli.engine.build import Options, build
from atlas_cli.engine.glimpses import Glimpses, due_steps, unnoticed
from atlas_cli.engine.loop import Fitted, fit
from atlas_cli.engine.system import System
from atlas_cli.engine.trainer import execute
from atlas_cli.errors import InterruptedRun
from atlas_cli.present.artifacts.base import Artifact
from atlas_cli.present.glimpse import Glimpse
from atlas_cli.present.learning import make_film
from atlas_cli.present.reporter import SilentReporter
from atlas_cli.recipe import recipes
from atlas_cli.runs import checkpoint
from atlas_cli.runs.folder import RunFolder
from atlas_cli.runs.rng import capture_rng
from atlas_cli.systems.diffusion.ddpm import DDPM

STEPS = 10
LEARNED = ["ddpm/smoke", "mamba/smoke", "gan/smoke"]


class Watcher:
    """A progress that keeps what it is shown; it may ask the run to stop."""

    def __init__(self, stop_at: int = -1) -> None:
        self.seen: list[Glimpse] = []
        self.stop_at, self.requested, self.exit_code = stop_at, False, 130

    def update(self, step: int, metrics: dict[str, float], seconds: float) -> None:
        self.requested = step == self.stop_at

    def glimpse(self, glimpse: Glimpse) -> None:
        self.seen.append(glimpse)


@pytest.fixture
def affordable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glimpses, "SHARE", math.inf)


def system_of(name: str) -> System:
    fields = [f"train.steps={STEPS}", "train.precision=fp32", "train.threads=1", "train.log_every=5"]
    return build(recipes.resolve(name, fields), Options(device="cpu"), SilentReporter())


def trained(
    name: str, run: RunFolder, watcher: Watcher | None, start: checkpoint.TrainState | None = None
) -> tuple[System, Fitted]:
    system = system_of(name)
    looks = Glimpses(system, run, watcher) if watcher else None
    stop: Any = watcher
    return system, fit(system, run=run, progress=watcher, stop=stop, start=start, glimpses=looks)


def weights(system: System, fitted: Fitted) -> Iterator[torch.Tensor]:
    yield from system.state_dict().values()
    yield from (fitted.ema.state_dict() if fitted.ema else {}).values()
    yield torch.get_rng_state()


@pytest.mark.parametrize("name", LEARNED)
def test_what_is_learned_is_the_same_bit_for_bit(name: str, affordable: None, tmp_path: Path) -> None:
    torch.manual_seed(0)
    blind = [t.clone() for t in weights(*trained(name, RunFolder.create(tmp_path, "a"), None))]
    watcher = Watcher()
    torch.manual_seed(0)
    watched = list(weights(*trained(name, RunFolder.create(tmp_path, "b"), watcher)))
    assert [g.step for g in watcher.seen] == [0, 2, 4, 6, 8, 10]
    assert all(torch.equal(a, b) for a, b in zip(blind, watched, strict=True))


def test_resume_is_bit_exact_and_no_figure_comes_twice(affordable: None, tmp_path: Path) -> None:
    straight, broken = RunFolder.create(tmp_path, "a"), RunFolder.create(tmp_path, "b")
    system, fitted = trained("ddpm/smoke", straight, Watcher())
    with pytest.raises(InterruptedRun):
        trained("ddpm/smoke", broken, Watcher(stop_at=4))
    state = checkpoint.load(checkpoint.newest_valid(broken.checkpoints)[0])
    resumed, again = trained("ddpm/smoke", broken, Watcher(), state)
    for a, b in zip(weights(system, fitted), weights(resumed, again), strict=True):
        assert torch.equal(a, b)
    figures = [[row for row in run.read_metrics() if "held_out_loss" in row] for run in (straight, broken)]
    assert figures[0] == figures[1]
    assert [row["step"] for row in figures[0]] == [0, 2, 4, 6, 8, 10]
    files = [sorted(p.name for p in (run.samples / "training").iterdir()) for run in (straight, broken)]
    assert files[0] == files[1] == [f"step-{step:08d}.png" for step in (0, 2, 4, 6, 8, 10)]
    same = [[p.read_bytes() for p in sorted((r.samples / "training").iterdir())] for r in (straight, broken)]
    assert same[0] == same[1]


def test_a_glimpse_that_would_cost_too_much_is_left_out(tmp_path: Path) -> None:
    watcher, system = Watcher(), system_of("ddpm/smoke")
    looks = Glimpses(system, RunFolder.create(tmp_path, "a"), watcher)
    looks.look(0, 0.0, None)  # the first is free
    looks.look(2, 1e-6, None)
    looks.look(3, 1e6, None)  # affordable, and not due
    looks.look(4, 1e6, None)
    assert [g.step for g in watcher.seen] == [0, 4]
    assert 0 < looks._spent < 60


def test_the_last_sample_is_taken_whatever_it_costs(tmp_path: Path) -> None:
    watcher, run = Watcher(), RunFolder.create(tmp_path, "ddpm/smoke")
    looks = Glimpses(system_of("ddpm/smoke"), run, watcher)
    for step in range(STEPS + 1):
        looks.look(step, 1e-6, None)
    assert [g.step for g in watcher.seen] == [0, STEPS]
    assert looks._spent == 0.0
    assert make_film(run).steps == [0, STEPS]


def test_the_modes_of_all_modules_and_the_global_generators_come_back() -> None:
    system = system_of("ddpm/smoke").train()
    frozen = next(module for module in system.net.modules() if module is not system.net).eval()
    before, drawn = {module: module.training for module in system.modules()}, capture_rng()
    with unnoticed(system):
        assert not any(module.training for module in system.modules())
        torch.rand(3), np.random.rand(3), random.random()
    assert {module: module.training for module in system.modules()} == before
    assert not frozen.training
    assert all(torch.equal(state, drawn[name]) for name, state in capture_rng().items())


@pytest.mark.parametrize(
    ("steps", "due"), [(2000, {0, 400, 800, 1200, 1600, 2000}), (3, {0, 1, 2, 3}), (0, {0})]
)
def test_every_fifth_of_a_run_is_due(steps: int, due: set[int]) -> None:
    assert due_steps(steps) == due


def test_samples_are_shown_before_the_judging_and_nothing_is_where_nobody_watches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []

    class Listener(SilentReporter):
        def show(self, artifact: Artifact) -> None:
            events.append("samples")

    def evaluate(self: DDPM) -> dict[str, float]:
        events.append("judged")
        return {"figure": 1.0}

    monkeypatch.setattr(DDPM, "evaluate", evaluate)
    path = tmp_path / "mine.yaml"
    path.write_text("system: ddpm\nbase: ddpm/smoke\nexpect: {figure: {min: 0}}\n", encoding="utf-8")
    recipe = recipes.resolve(path, ["train.steps=2", "train.precision=fp32", "train.threads=1"])
    for watched in (True, False):
        run = execute(recipe, Options(out=tmp_path, device="cpu", watched=watched), Listener()).run
        assert run is not None
        assert (run.samples / "training").exists() is watched
        assert any("held_out_loss" in row for row in run.read_metrics()) is watched
    assert events == ["samples", "judged", "judged"]
