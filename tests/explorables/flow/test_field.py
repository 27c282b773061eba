"""What the pairing does to the field."""

from __future__ import annotations

import itertools

import pytest
import torch

from atlas_cli.explorables.flow import field
from atlas_cli.explorables.flow._data import normal, ring
from atlas_cli.explorables.flow.field import crossings, paired_best


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
    random, best = (field.pairs_of(name) for name in field.PAIRINGS)
    assert {tuple(p) for p in random.data.tolist()} == {tuple(p) for p in best.data.tolist()}
    for t in (0.0, 0.5, 0.9):
        assert field.disagreement("optimal", t) < 0.15 * field.disagreement("independent", t)
    facts = [field.field(0.0, name).facts for name in field.PAIRINGS]
    name = f"crossings of the {field.N_DRAWN} lines"
    assert facts[1][name] < 0.1 * facts[0][name]
    assert facts[1]["mean squared length of a pair"] < facts[0]["mean squared length of a pair"]


def test_random_pairs_disagree_at_the_start_by_the_variance_of_the_data():
    """At t = 0 a place in the noise says nothing of its datum, and nearly all of its own noise."""
    data = ring().draw(100_000, seed=6)
    noise = field.TUBE**2 / (1 + field.TUBE**2) * 2  # what the tube hides of the noise
    expected = float(data.var(0).sum()) + noise
    assert field.disagreement("independent", 0.0) == pytest.approx(expected, rel=0.1)


def test_noise_that_follows_the_field_ends_at_the_data():
    for pairing in field.PAIRINGS:
        ways = field.carried(pairing)
        assert torch.equal(ways[0], field.pairs_of(pairing).noise[: field.N_DRAWN])
        assert torch.cdist(ways[-1], ring().means).min(1).values.max() < 4 * (0.2 + field.TUBE)


def test_every_time_of_the_knob_has_its_place_on_the_ways():
    """A knob rounds its values, so that they are not quite those of TIMES."""
    (knob,) = (knob for knob in field.EXPLORABLE.knobs if knob.name == "t")
    ways = field.carried("independent")
    for step, t in enumerate(knob.values):
        (scatter, _) = field.field(t, "independent").panels[1]
        torch.testing.assert_close(torch.tensor(scatter.groups[2].points), ways[step], atol=1e-3, rtol=1e-3)


def test_a_better_pairing_straightens_the_ways():
    """Length of the ways over the straight lines between their ends."""

    def detour(pairing: str) -> float:
        ways = field.carried(pairing)
        lengths = ways.diff(dim=0).norm(dim=2).sum(0)
        return float((lengths / (ways[-1] - ways[0]).norm(dim=1)).mean())

    assert 1 <= detour("optimal") < detour("independent") - 0.02
