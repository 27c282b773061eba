"""OT-CFM: who is paired with whom, Sinkhorn's plan and its limits, ranks, and what is left as it was."""

from __future__ import annotations

import math
from dataclasses import fields

import pytest
import torch
from torch import Tensor

from atlas_cli import data
from atlas_cli.engine.system import Setting
from atlas_cli.metrics import timing
from atlas_cli.recipe.recipes import TrainConfig
from atlas_cli.systems.flow import cfm, ot_cfm
from atlas_cli.systems.flow.of_points import pairing, squared_distances
from atlas_cli.systems.flow.ot_cfm import OTCFM, Config, sinkhorn

TRAIN = TrainConfig(steps=4, batch_size=20, lr=1e-2)
POINTS = {"dim": 2, "width": 8, "n_layer": 2}


def points(kind: type[cfm.CFM] = OTCFM, setting: dict[str, int] | None = None, **given: object) -> cfm.CFM:
    torch.manual_seed(0)
    system = kind((Config if kind is OTCFM else cfm.Config)(**{**POINTS, **given}))
    source = data.load({"name": "toy2d", "density": "modes8"})
    system.attach(Setting(source, TRAIN, **(setting or {})))
    return system


def images(source: object, setting: dict[str, int] | None = None, **given: object) -> OTCFM:
    torch.manual_seed(0)
    system = OTCFM(Config(image_size=8, width=8, **given))
    system.attach(Setting(source, TRAIN, **(setting or {})))
    return system


def same(one: cfm.Batch, other: cfm.Batch) -> bool:
    return all(torch.equal(getattr(one, f.name), getattr(other, f.name)) for f in fields(cfm.Batch))


def moved(batch: cfm.Batch, before: cfm.Batch) -> Tensor:
    """Which noise of the old batch each datum has now."""
    old, new = (x.noise.flatten(1) for x in (before, batch))
    places = (old[None] == new[:, None]).all(-1)
    assert (places.sum(1) == 1).all()
    return places.int().argmax(1)


# --- pairs ----------------------------------------------------------------------------------------------


def test_without_pairing_every_batch_is_flow_matching_s_bit_for_bit(tiny_images):
    ours, theirs = points(pairing="random"), points(cfm.CFM)
    for step in range(3):
        assert same(ours.batch(step), theirs.batch(step))
        assert same(ours.held_out(step), theirs.held_out(step))
    plain = cfm.CFM(cfm.Config(image_size=8, width=8)).attach(Setting(tiny_images, TRAIN))
    assert same(images(tiny_images, pairing="random").batch(2), plain.batch(2))


def test_pairing_changes_the_places_of_the_noises_and_nothing_else():
    batch, before = points().batch(1), points(pairing="random").batch(1)
    for name in ("data", "label", "t"):
        assert torch.equal(getattr(batch, name), getattr(before, name))
    chosen = moved(batch, before)
    assert sorted(chosen.tolist()) == list(range(20))  # each noise once
    assert torch.equal(chosen, pairing(squared_distances(before.data, before.noise)))
    assert (batch.data - batch.noise).square().sum() < 0.8 * (before.data - before.noise).square().sum()


def test_within_a_class_only_its_own_noises_change_places(tiny_images):
    """By the class of the image, also where training does not see it."""
    system = images(tiny_images, label_dropout=0.5)
    batch, before = system.batch(0), images(tiny_images, label_dropout=0.5, pairing="random").batch(0)
    assert (batch.label == 10).any()
    _, truth = tiny_images.batch(system.setting.random(0))
    chosen = moved(batch, before)
    assert torch.equal(truth[chosen], truth)
    assert sorted(chosen.tolist()) == list(range(20))
    assert not torch.equal(chosen, torch.arange(20))
    for name in truth.unique():
        members = (truth == name).nonzero().flatten()
        best = pairing(squared_distances(before.data[members], before.noise[members]))
        assert torch.equal(chosen[members], members[best])


def test_across_classes_the_noise_of_a_class_is_no_longer_gaussian_and_within_them_it_is():
    """Two classes, white and black: paired across, the bright noises all go to the white ones."""

    def mean_of_white(within: str) -> float:
        system = OTCFM(Config(image_size=8, width=8, n_classes=2, within=within))
        label = torch.arange(200) % 2
        drawn = (2.0 * label - 1).view(-1, 1, 1, 1).expand(-1, 1, 8, 8), label
        train = TrainConfig(steps=4, batch_size=200, lr=1e-2)
        system.attach(Setting(None, train))
        return float(system.paired(drawn, system.setting.random(0)).noise[label == 1].mean())

    assert mean_of_white("batch") > 0.08
    assert abs(mean_of_white("class")) < 0.03


@pytest.mark.parametrize("how", ["exact", "sinkhorn"])
def test_two_ranks_with_half_a_batch_each_see_what_one_sees(tiny_images, how: str):
    for make in (points, lambda **given: images(tiny_images, **given)):
        whole = make(pairing=how).batch(2)
        halves = [make(pairing=how, setting={"rank": rank, "world_size": 2}).batch(2) for rank in (0, 1)]
        joined = cfm.Batch(
            *(torch.cat([getattr(half, f.name) for half in halves]) for f in fields(cfm.Batch))
        )
        assert same(joined, whole)
        held_out = [make(pairing=how, setting={"rank": rank, "world_size": 2}).held_out(0) for rank in (0, 1)]
        assert same(*held_out)


@pytest.mark.parametrize("how", ["exact", "sinkhorn"])
def test_the_pairs_are_the_same_in_any_number_format(how: str):
    expected = points(pairing=how).batch(0)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert same(points(pairing=how).batch(0), expected)


# --- Sinkhorn's plan --------------------------------------------------------------------------------------


def cost_of(n: int, seed: int = 0) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    return squared_distances(*torch.randn(2, n, 3, generator=random))


@pytest.mark.parametrize("blur", [0.05, 0.5, 5.0])
@pytest.mark.parametrize("n", [1, 5, 40])
def test_rows_and_columns_of_a_plan_sum_to_one_over_n(n: int, blur: float):
    plan = sinkhorn(cost_of(n), blur)
    even = torch.full((n,), 1 / n)
    torch.testing.assert_close(plan.sum(1), even, rtol=1e-4, atol=0)
    torch.testing.assert_close(plan.sum(0), even, rtol=2e-2, atol=0)


@pytest.mark.parametrize("blur", [0.02, 0.05, 1.0])
def test_the_plan_is_that_of_scaling_in_logarithms_alone(blur: float):
    cost = cost_of(30)
    log_plan, even = (-cost / (blur * cost.mean())).double(), -math.log(30)
    for _ in range(5000):
        for axis in (0, 1):
            log_plan = log_plan - log_plan.logsumexp(axis, keepdim=True) + even
    torch.testing.assert_close(sinkhorn(cost, blur), log_plan.exp().float(), atol=2e-4, rtol=0)


def test_a_plan_is_that_of_least_cost_less_entropy():
    """At the best plan, log P_ij + C_ij / blur is a number of the row plus one of the column (Lagrange)."""
    cost = cost_of(6)
    rest = sinkhorn(cost, 0.3).log() + cost / (0.3 * cost.mean())
    torch.testing.assert_close(rest, rest[:, :1] + rest[:1] - rest[0, 0], atol=1e-4, rtol=0)


def test_without_blur_a_plan_is_the_exact_pairing_and_with_much_it_is_independence():
    cost = cost_of(8)
    sharp, dull = sinkhorn(cost, 0.002), sinkhorn(cost, 100.0)
    assert torch.equal(sharp.argmax(1), pairing(cost))
    exact = float(cost.gather(1, pairing(cost)[:, None]).mean())
    assert float((sharp * cost).sum()) == pytest.approx(exact, rel=0.01)
    torch.testing.assert_close(dull, torch.full((8, 8), 1 / 64), rtol=0.05, atol=0)
    costs = [float((sinkhorn(cost, blur) * cost).sum()) for blur in (0.002, 0.05, 0.5, 100.0)]
    assert costs == sorted(costs)


def test_points_far_apart_are_no_trouble():
    cost = squared_distances(torch.tensor([[0.0], [1e4]]), torch.tensor([[1e4], [0.0]]))
    torch.testing.assert_close(sinkhorn(cost, 0.01), torch.tensor([[0.0, 0.5], [0.5, 0.0]]))
    line = torch.arange(40.0)[:, None] ** 2
    plan = sinkhorn(squared_distances(line, line.flip(0)), 1e-4)
    assert plan.isfinite().all()
    torch.testing.assert_close(plan.sum(1), torch.full((40,), 1 / 40))


def test_a_blurred_plan_is_drawn_from_in_its_proportions(monkeypatch: pytest.MonkeyPatch):
    """Each datum draws from its row; a chance of 0 is its first possible noise, of nearly 1 its last."""
    system = points(pairing="sinkhorn")
    plan = torch.tensor([[0.0, 0.3, 0.2], [0.25, 0.0, 0.25], [0.1, 0.4, 0.0]])
    monkeypatch.setattr(ot_cfm, "sinkhorn", lambda cost, blur: plan)
    two = torch.zeros(3, 2)

    def chosen(chance: float) -> list[int]:
        return system.choose(two, two, torch.full((3,), chance)).tolist()

    assert chosen(0.0) == [1, 0, 0]
    assert chosen(0.55) == [1, 2, 1]
    assert chosen(0.99999) == [2, 2, 1]
    draws = torch.tensor([chosen(k / 1000) for k in range(1000)])
    shares = torch.stack([draws[:, row].bincount(minlength=3) / 1000 for row in range(3)])
    torch.testing.assert_close(shares, plan / plan.sum(1, keepdim=True), atol=2e-3, rtol=0)


# --- what is measured -------------------------------------------------------------------------------------


def test_what_is_left_of_the_length_is_one_without_pairing_and_least_with_the_exact_one():
    left = {how: points(pairing=how).length_left() for how in ("random", "exact", "sinkhorn")}
    assert left["random"] == pytest.approx(1, abs=0.1)
    assert left["exact"] < left["sinkhorn"] < 0.9


def test_the_share_of_pairing_is_its_time_over_the_passes(monkeypatch: pytest.MonkeyPatch):
    seconds = {"paired": 0.5, "drawn": 0.2, "step": 3.0}

    def timed(runs: dict, device: torch.device) -> dict[str, float]:
        for run in runs.values():
            run()
        return {name: seconds[name] for name in runs}

    monkeypatch.setattr(timing, "least_seconds", timed)
    system = points()
    with torch.no_grad():
        assert system.pairing_share() == pytest.approx(0.1)
    assert all(parameter.grad is None for parameter in system.parameters())
