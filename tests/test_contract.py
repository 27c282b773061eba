"""The contract that every recipe keeps: what is trained moves, what is given stays, same seed same loss."""

from __future__ import annotations

import copy
import dataclasses
import math
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from atlas_cli.engine import trainer
from atlas_cli.engine.build import Options, build, inference
from atlas_cli.engine.loop import fit
from atlas_cli.engine.system import SampleRequest, System
from atlas_cli.errors import InterruptedRun
from atlas_cli.present.artifacts.base import Artifact
from atlas_cli.present.reporter import SilentReporter
from atlas_cli.recipe import recipes
from atlas_cli.runs import checkpoint
from atlas_cli.runs.folder import RunFolder

SMOKE = sorted(path.parent.name for path in (Path(__file__).parents[1] / "recipes").glob("*/smoke.yaml"))
STEPS = 6


TRAINED = [topic for topic in SMOKE if recipes.resolve(f"{topic}/smoke").train.steps]  # by their own recipe


@pytest.fixture(scope="session")
def parents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the runs stand that others build on: each is trained once."""
    return tmp_path_factory.mktemp("parents")


@pytest.fixture
def built(parents: Path) -> Callable[[str], System]:
    def of(topic: str) -> System:
        changes = ["train.precision=fp32", "train.threads=1"]
        changes += [f"train.steps={STEPS}"] if topic in TRAINED else []
        recipe = recipes.resolve(f"{topic}/smoke", changes)
        options = Options(out=parents, device="cpu")
        _, parents_of_it = trainer.trained_parents(recipe, options, SilentReporter())
        return build(recipe, options, SilentReporter(), parents_of_it)

    return of


def leaves(value: object) -> Iterator[torch.Tensor]:
    """Every tensor of a batch, whatever holds it."""
    if isinstance(value, torch.Tensor):
        yield value
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from leaves(getattr(value, field.name))
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from leaves(item)


def contents(artifact: Artifact) -> Iterator[object]:
    """Everything that an artifact shows, arrays as bytes: all of its fields but caption and facts."""
    for field in dataclasses.fields(artifact):
        if field.name not in ("caption", "facts"):
            value = getattr(artifact, field.name)
            for part in value if isinstance(value, list) else [value]:
                yield part.tobytes() if isinstance(part, np.ndarray) else part


@pytest.mark.parametrize("topic", TRAINED)
def test_every_trainable_parameter_moves_and_no_frozen_one(
    topic: str, built: Callable[[str], System]
) -> None:
    system = built(topic)
    before = {n: p.detach().clone() for n, p in system.named_parameters()}
    fit(system)
    for name, parameter in system.named_parameters():
        assert torch.equal(parameter, before[name]) != parameter.requires_grad, name


@pytest.mark.parametrize("topic", TRAINED)
def test_a_step_leaves_its_batch_untouched(topic: str, built: Callable[[str], System]) -> None:
    system = built(topic)
    batch = system.batch(0)
    before = [t.clone() for t in leaves(batch)]
    assert before
    system.step(batch, system.optimizers())
    assert all(torch.equal(a, b) for a, b in zip(before, leaves(batch), strict=True))


@pytest.mark.parametrize("topic", TRAINED)
def test_a_batch_is_a_pure_function_of_its_step(topic: str, built: Callable[[str], System]) -> None:
    system = built(topic)
    if system.acts:
        pytest.skip("its batch depends on its weights: tests/test_contract_acting.py")
    first = [t.clone() for t in leaves(system.batch(3))]
    other = list(leaves(system.batch(4)))
    again = list(leaves(system.batch(3)))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(a.shape == b.shape and torch.equal(a, b) for a, b in zip(first, other, strict=True))


@pytest.mark.parametrize("topic", TRAINED)
def test_held_out_data_are_made_like_a_batch_and_no_step_learns_from_them(
    topic: str, built: Callable[[str], System]
) -> None:
    system = built(topic).eval()
    held_out = system.held_out(3)
    if held_out is None:
        assert system.best_by is None  # a game, which has no loss that falls
        return
    data, again, batch = (list(leaves(value)) for value in (held_out, system.held_out(3), system.batch(3)))
    assert [t.dtype for t in data] == [t.dtype for t in batch]
    assert all(torch.equal(a, b) for a, b in zip(data, again, strict=True))
    assert not all(a.shape == b.shape and torch.equal(a, b) for a, b in zip(data, batch, strict=True))
    with inference(system):
        assert math.isfinite(float(system.loss(held_out)[0]))


@pytest.mark.parametrize("topic", TRAINED)
def test_resume_equals_a_straight_run_bit_for_bit(
    topic: str, built: Callable[[str], System], tmp_path: Path
) -> None:
    class Stop:
        requested, exit_code = False, 130

    class StopAt:
        """Asks the run to end after its third step."""

        def __init__(self) -> None:
            self.stop = Stop()

        def update(self, step: int, metrics: dict[str, float], seconds: float) -> None:
            self.losses = [*getattr(self, "losses", []), metrics["loss"]]
            self.stop.requested = step == STEPS // 2

    straight_run, broken_run = RunFolder.create(tmp_path, "a"), RunFolder.create(tmp_path, "b")
    straight, seen, seen_broken = built(topic), StopAt(), StopAt()
    straight_fit = fit(straight, run=straight_run, progress=seen)
    with pytest.raises(InterruptedRun):
        fit(built(topic), run=broken_run, progress=seen_broken, stop=seen_broken.stop)  # type: ignore[arg-type]
    state = checkpoint.load(checkpoint.newest_valid(broken_run.checkpoints)[0])
    assert state.step == STEPS // 2
    resumed = built(topic)
    resumed_fit = fit(resumed, run=broken_run, progress=seen_broken, start=state)
    assert seen.losses == seen_broken.losses
    final = [checkpoint.load(checkpoint.newest_valid(r.checkpoints)[0]) for r in (straight_run, broken_run)]
    for name in final[0].weights:
        assert torch.equal(final[0].weights[name], final[1].weights[name]), name
    for name, optimizer in final[0].optimizers.items():
        for index, moments in optimizer["state"].items():
            for key, value in moments.items():
                assert torch.equal(
                    torch.as_tensor(value), torch.as_tensor(final[1].optimizers[name]["state"][index][key])
                )
    if straight_fit.ema is not None:
        for name, average in straight_fit.ema.state_dict().items():
            assert torch.equal(average, resumed_fit.ema.state_dict()[name])  # type: ignore[union-attr]


@pytest.mark.parametrize("topic", SMOKE)
def test_same_seed_same_sample_bit_for_bit(topic: str, built: Callable[[str], System]) -> None:
    system = built(topic).eval()
    with inference(system):
        first, again, other = (system.sample(SampleRequest(n=3, seed=s)) for s in (1, 1, 2))
    shown, shown_again, shown_other = (list(contents(x)) for x in (first, again, other))
    assert shown == shown_again
    assert shown != shown_other


@pytest.mark.parametrize("topic", sorted(set(SMOKE) - set(TRAINED)))
def test_what_trains_nothing_has_no_weights_and_a_parent(topic: str, built: Callable[[str], System]) -> None:
    system = built(topic)
    assert not list(system.parameters())
    assert system.setting.parent is not None
    assert not any(p.requires_grad for p in system.setting.parent.parameters())


@pytest.mark.parametrize("topic", SMOKE)
def test_the_config_survives_a_copy(topic: str, built: Callable[[str], System]) -> None:
    system = built(topic)
    assert copy.deepcopy(system.config) == system.config


@pytest.mark.parametrize("topic", SMOKE)
def test_small_states_an_ablation_and_bars_that_need_it(topic: str) -> None:
    small = recipes.resolve(f"{topic}/small")
    assert small.ablate
    assert small.expect
    assert small.compares
    assert all(bar.claim for bar in small.expect.values())
