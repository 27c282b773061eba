"""Flows of pairs against closed forms: one pair, all pairs, and the properties that reflow promises."""

from __future__ import annotations

import itertools

import pytest
import torch

from atlas_cli.explorables import flow, paired_flow
from atlas_cli.explorables.flow_data import normal, ring
from atlas_cli.explorables.paired_flow import (
    Pairs,
    crossings,
    flow_of,
    independent_velocity,
    paired_best,
    walk,
)


def test_a_lone_pair_moves_straight_and_evenly():
    noise, data = torch.tensor([[0.0, 1.0]]), torch.tensor([[2.0, -1.0]])
    path = walk(Pairs(noise, data, 0.1).velocity, noise, 5)
    torch.testing.assert_close(path[:, 0], torch.lerp(noise, data, torch.linspace(0, 1, 6)[:, None]))
    assert paired_flow.bend(path) == pytest.approx(0, abs=1e-10)


def test_pairs_that_meet_share_the_mean_of_their_velocities():
    noise, data = torch.tensor([[0.0, 0.0], [0.0, 2.0]]), torch.tensor([[2.0, 2.0], [2.0, 0.0]])
    met = Pairs(noise, data, 0.1).velocity(torch.tensor([[1.0, 1.0]]), 0.5)
    torch.testing.assert_close(met, torch.tensor([[2.0, 0.0]]))


@pytest.mark.parametrize("t", [0.0, 0.3, 0.8])
def test_many_random_pairs_have_the_field_of_all_pairs(t: float):
    n, spread = 20_000, 0.3
    pairs = Pairs(normal(n, seed=1), ring().draw(n, seed=2), spread)
    x = t * ring().means + (1 - t) * torch.tensor([0.3, -0.4])  # where pairs pass often
    torch.testing.assert_close(pairs.velocity(x, t), independent_velocity(x, t, spread), atol=0.12, rtol=0)


def test_without_a_tube_it_is_the_velocity_of_the_mixture():
    x = normal(5, seed=3)
    torch.testing.assert_close(independent_velocity(x, 0.4, 0.0), flow.velocity(ring(), x, 0.4))


def test_the_best_pairing_is_the_best_of_all_orders():
    noise, data = normal(6, seed=4), ring().draw(6, seed=5)
    costs = [float((data[list(order)] - noise).square().sum()) for order in itertools.permutations(range(6))]
    assert float((paired_best(noise, data) - noise).square().sum()) == pytest.approx(min(costs))


def test_lines_that_cross_are_counted_once():
    starts = torch.tensor([[0.0, 0.0], [0.0, 1.0], [5.0, 0.0]])
    ends = torch.tensor([[1.0, 1.0], [1.0, 0.0], [5.0, 1.0]])
    assert crossings(starts, ends) == 1
    assert crossings(starts[1:], ends[1:]) == 0


def test_the_optimal_pairing_keeps_both_ends_and_takes_the_disagreement_away():
    random, best = (paired_flow.pairs_of(name) for name in paired_flow.PAIRINGS)
    assert {tuple(p) for p in random.data.tolist()} == {tuple(p) for p in best.data.tolist()}
    for t in (0.0, 0.5, 0.9):
        assert paired_flow.disagreement("optimal", t) < 0.15 * paired_flow.disagreement("independent", t)
    facts = [paired_flow.field(0.0, name).facts for name in paired_flow.PAIRINGS]
    name = f"crossings of the {paired_flow.N_DRAWN} lines"
    assert facts[1][name] < 0.1 * facts[0][name]
    assert facts[1]["mean squared length of a pair"] < facts[0]["mean squared length of a pair"]


def test_random_pairs_disagree_at_the_start_by_the_variance_of_the_data():
    """At t = 0 a place in the noise says nothing of its datum, and nearly all of its own noise."""
    data = ring().draw(100_000, seed=6)
    noise = paired_flow.TUBE**2 / (1 + paired_flow.TUBE**2) * 2  # what the tube hides of the noise
    expected = float(data.var(0).sum()) + noise
    assert paired_flow.disagreement("independent", 0.0) == pytest.approx(expected, rel=0.1)


def test_one_round_of_reflow_straightens_the_paths():
    """Liu et al. 2022: the bend falls, and convex costs do not rise."""
    before, after = (paired_flow.exact(k) for k in (0, 1))
    assert paired_flow.bend(after) < 0.02 * paired_flow.bend(before)
    assert paired_flow.step_error(1, 1) < 0.1 * paired_flow.step_error(0, 1)
    lengths = [float((path[-1] - path[0]).square().sum(1).mean()) for path in (before, after)]
    random = float((ring().draw(5000, seed=8) - normal(5000, seed=9)).square().sum(1).mean())
    assert lengths[0] < random
    assert lengths[1] < 1.02 * lengths[0]


def test_later_rounds_lose_some_of_the_data():
    shares = [paired_flow.on_data(paired_flow.exact(k)[-1]) for k in paired_flow.ROUNDS]
    assert shares[0] > 0.97
    assert shares == sorted(shares, reverse=True)


def test_before_reflow_one_step_lands_on_the_mean():
    ends = paired_flow.few_steps(0, 1)
    assert float((ends - ring().means.mean(0)).norm(dim=1).max()) < 1e-4
    assert float((flow_of(0)(ends, 0.0) + ends).norm(dim=1).max()) < 1e-4
    assert paired_flow.on_data(ends) == 0


def test_the_midpoint_rule_is_of_second_order():
    def velocity(x: torch.Tensor, t: float) -> torch.Tensor:
        return x * t  # dx / dt = x t, so x(1) = x(0) exp(1 / 2)

    start = torch.ones(1, 2, dtype=torch.float64)
    errors = [
        abs(float(walk(velocity, start, n, midpoint=True)[-1, 0, 0]) - 1.6487212707) for n in (8, 16, 32)
    ]
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.15)
    assert errors[1] / errors[2] == pytest.approx(4, rel=0.15)
