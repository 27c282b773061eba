"""The contract of systems that act and of systems that grow, kept by a bandit and by a sum of bumps."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from atlas_cli import catalog
from atlas_cli.config import SystemConfig
from atlas_cli.engine import trainer
from atlas_cli.engine.loop import fit
from atlas_cli.engine.system import Optimizers, Setting, System
from atlas_cli.present.reporter import SilentReporter
from atlas_cli.recipe import recipes
from atlas_cli.recipe.recipes import TrainConfig
from atlas_cli.runs import checkpoint
from atlas_cli.runs.folder import RunFolder
from tests.test_contract import TRAINED, leaves


class Bandit(System):
    """Four arms of which the last pays best, played by a softmax policy that REINFORCE trains."""

    acts = True
    PAYS = (0.0, 0.2, 0.4, 1.0)

    def __init__(self) -> None:
        super().__init__(SystemConfig())
        self.preference = nn.Parameter(torch.zeros(4))

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Arms drawn from the policy as it is now, and what they paid."""
        u = self.setting.random(step).uniform(1)[:, 0]
        arm = (u[:, None] > self.preference.detach().softmax(0).cumsum(0)).sum(1).clamp(max=3)
        return arm, torch.tensor(self.PAYS)[arm]

    def loss(self, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, dict[str, float]]:
        arm, paid = batch
        advantage = paid - paid.mean()
        return -(advantage * self.preference.log_softmax(0)[arm]).mean(), {"paid": float(paid.mean())}


class Bumps(System):
    """A sum of bumps fitted to a sine: one is added at step 4, and at step 6 an offset that was not there."""

    def __init__(self) -> None:
        super().__init__(SystemConfig())
        self.centres = nn.Parameter(torch.linspace(-1, 1, 3))
        self.heights = nn.Parameter(torch.zeros(3))

    def batch(self, step: int) -> tuple[Tensor, int]:
        return self.setting.random(step).normal(1), step

    def optimizers(self) -> Optimizers:
        return {"main": torch.optim.Adam(self.parameters(), lr=self.setting.train.lr)}

    def step(self, batch: tuple[Tensor, int], optimizers: Optimizers) -> dict[str, float | Tensor]:
        if batch[1] == 4:
            self._grow(optimizers["main"])
        if batch[1] == 6:
            self.offset = nn.Parameter(torch.zeros(1))
            optimizers["main"].param_groups[0]["params"].append(self.offset)
        return super().step(batch, optimizers)

    def _grow(self, optimizer: torch.optim.Optimizer) -> None:
        """One more bump, at rest: its moments begin at zero."""
        group = optimizer.param_groups[0]["params"]
        for place, name in enumerate(("centres", "heights")):
            old = getattr(self, name)
            grown = nn.Parameter(torch.cat([old.detach(), torch.zeros(1)]))
            moments = optimizer.state.pop(old)
            for key in ("exp_avg", "exp_avg_sq"):
                moments[key] = torch.cat([moments[key], torch.zeros(1)])
            optimizer.state[grown] = moments
            group[place] = grown
            setattr(self, name, grown)

    def loss(self, batch: tuple[Tensor, int]) -> tuple[Tensor, dict[str, float]]:
        x = batch[0]
        seen = (self.heights * torch.exp(-((x - self.centres) ** 2))).sum(1, keepdim=True)
        offset = self.offset if hasattr(self, "offset") else 0.0
        return ((seen + offset - torch.sin(x)) ** 2).mean(), {"bumps": len(self.heights)}

    def restore_shapes(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        for name, shape in shapes.items():
            setattr(self, name, nn.Parameter(torch.zeros(shape)))


def attached(system: System, **train: object) -> System:
    fields = {"steps": 10, "batch_size": 16, "lr": 0.1, "precision": "fp32", "threads": 1, **train}
    return system.attach(Setting(None, TrainConfig(**fields)))


ACTING = [
    topic
    for topic in TRAINED
    for found in [catalog.resolve(topic)]
    if getattr(importlib.import_module(catalog.system_module(found)), str(found.system)).acts
]


@pytest.mark.parametrize("topic", ["a bandit", *ACTING])
def test_same_weights_and_seed_same_batch(topic: str, tmp_path: Path) -> None:
    """Nothing but weights, seed and step decides what a system that acts sees: no hidden state does."""
    lived, fresh = _made(topic, tmp_path), _made(topic, tmp_path)
    fit(lived, until=3)
    fresh.load_state_dict(lived.state_dict())
    first = [t.clone() for t in leaves(lived.batch(3))]
    assert first
    for batch in (lived.batch(3), fresh.batch(3)):
        assert all(torch.equal(a, b) for a, b in zip(first, leaves(batch), strict=True))


def _made(topic: str, runs: Path) -> System:
    """The system of a smoke recipe over its trained parents: a policy acts for a reward that it is given."""
    if topic == "a bandit":
        return attached(Bandit())
    recipe = recipes.resolve(f"{topic}/smoke", ["train.precision=fp32", "train.threads=1", "train.steps=6"])
    options = trainer.Options(out=runs, device="cpu")
    _, parents = trainer.trained_parents(recipe, options, SilentReporter())
    return trainer.build(recipe, options, SilentReporter(), parents)


def test_what_acts_over_a_parent_has_it(tmp_path: Path) -> None:
    assert _made("lora", tmp_path).setting.parent is not None  # it acts as little as gpt, and builds on it


def test_a_bandit_that_learned_plays_otherwise_and_better() -> None:
    bandit = attached(Bandit(), steps=100, batch_size=256)
    before = bandit.batch(3)[1]
    fit(bandit)
    after = bandit.batch(3)[1]
    assert not torch.equal(before, after)
    assert before.mean() < 0.5
    assert after.mean() > 0.9


@pytest.mark.parametrize("stopped_after", [2, 5, 8])  # before it grew, between, and after both times
@pytest.mark.parametrize("kind", [Bandit, Bumps])
def test_resume_equals_a_straight_run_bit_for_bit(
    kind: type[System], stopped_after: int, tmp_path: Path
) -> None:
    runs = [RunFolder.create(tmp_path, name) for name in ("a", "b")]
    train = {"checkpoint_every": 1, "ema": 0.9}
    straight = fit(attached(kind(), **train), run=runs[0])
    fit(attached(kind(), **train), run=runs[1], until=stopped_after)
    resumed_system = attached(kind(), **train)
    start = checkpoint.load(checkpoint.newest_valid(runs[1].checkpoints)[0])
    assert start.step == stopped_after
    resumed = fit(resumed_system, run=runs[1], start=start)
    a, b = (checkpoint.load(checkpoint.newest_valid(run.checkpoints)[0]) for run in runs)
    assert a.step == b.step == 10
    assert a.weights.keys() == b.weights.keys() == resumed_system.state_dict().keys()
    assert all(torch.equal(a.weights[name], b.weights[name]) for name in a.weights)
    for index, moments in a.optimizers["main"]["state"].items():
        for key, value in moments.items():
            assert torch.equal(value, b.optimizers["main"]["state"][index][key])
    assert straight.ema is not None
    assert resumed.ema is not None
    averages = straight.ema.state_dict(), resumed.ema.state_dict()
    assert averages[0].keys() == averages[1].keys() == a.weights.keys() | {"__updates__"}
    assert all(torch.equal(averages[0][name], averages[1][name]) for name in averages[0])


def test_bumps_grow_and_every_parameter_is_trained() -> None:
    system = attached(Bumps())
    fit(system)
    shapes = {name: tuple(p.shape) for name, p in system.named_parameters()}
    assert shapes == {"centres": (4,), "heights": (4,), "offset": (1,)}
    assert all(p.detach().abs().min() > 0 for p in (system.heights, system.offset))


def test_a_bandit_resumed_on_other_weights_sees_other_arms() -> None:
    """The batch follows the weights: this is what `acts` declares, and what a pure batch never does."""
    bandit = attached(Bandit())
    before = bandit.batch(0)[0]
    with torch.no_grad():
        bandit.preference[3] = 9.0
    assert not torch.equal(before, bandit.batch(0)[0])
