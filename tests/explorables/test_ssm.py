"""What the state-space explorables compute, against closed forms."""

from __future__ import annotations

import math

import pytest
import torch

from atlas_cli.explorables import scan_tree, ssm
from atlas_cli.systems.ssm.mamba import plain_scan
from tests.explorables.house import check


@pytest.mark.parametrize("shown", ssm.EXPLORABLES, ids=lambda shown: shown.name)
def test_every_setting_is_a_frame_and_every_knob_changes_it(shown):
    check(shown)


def test_zero_order_hold_is_exact_where_the_input_stands_still():
    """Delta 0.5 and 0.25 put a step on both edges of the pulse."""
    for delta in (0.25, 0.5):
        assert ssm.discretisation(delta, "zero-order hold").facts["largest error"] < 1e-12
        assert ssm.discretisation(delta, "euler").facts["largest error"] > 0.01


def test_rules_agree_for_small_steps_to_first_order():
    exact = ssm.bars_of(1e-3, "zero-order hold")
    for rule in ("mamba", "euler"):
        assert ssm.bars_of(1e-3, rule) == pytest.approx(exact, rel=1e-3)


def test_euler_swings_beyond_one_and_blows_up_beyond_two():
    assert ssm.bars_of(1.5, "euler")[0] < 0
    assert abs(ssm.bars_of(2.5, "euler")[0]) > 1
    assert all(0 < ssm.bars_of(delta, "mamba")[0] < 1 for delta in ssm.DELTAS)


def test_mambas_rule_is_that_of_the_projects_scan():
    delta, x = 0.3, torch.tensor([1.0, 0.0, 2.0]).view(1, 3, 1)
    ones = torch.ones(1, 3, 1)
    y = plain_scan(x, torch.full_like(x, delta), -torch.ones(1, 1), ones, ones)
    decay, enters = ssm.bars_of(delta, "mamba")
    h = expected = 0.0
    for value in (1.0, 0.0, 2.0):
        h = decay * h + enters * value
        expected = h
    assert float(y[0, -1, 0]) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.9, 1.0])
def test_recurrence_and_convolution_are_equal(decay: float):
    assert ssm.by_recurrence(decay) == pytest.approx(ssm.by_convolution(decay))


def test_with_decay_one_the_output_is_the_running_sum():
    assert ssm.by_recurrence(1.0)[-1] == sum(ssm.SIGNAL)


def test_the_state_holds_of_each_word_what_later_steps_leave():
    """delta_k exp(-sum of later deltas), from the equation of the scan."""
    for gate, write in ((0.0, 0.5), (0.7, 1.0), (1.0, 2.0)):
        steps = ssm.steps_of(gate, write)
        held = ssm.memory(gate, write)[-1]
        expected = [step * math.exp(-sum(steps[k + 1 :])) for k, step in enumerate(steps)]
        assert held.tolist() == pytest.approx(expected, rel=1e-5)


def test_no_word_is_held_before_it_is_read():
    held = ssm.memory(0.5, 0.5)
    assert float(held.triu(1).abs().max()) == 0


def test_a_closed_gate_keeps_content():
    open_, half, closed = (ssm.selective_scan(g, 0.5).facts for g in (0.0, 0.5, 1.0))
    assert open_["A left"] < 0.1 * closed["A left"]
    assert open_["share of content in the state"] < half["share of content in the state"] < 0.9
    assert closed["share of content in the state"] > 0.85


def test_combining_pairs_is_associative():
    a, b, c = (0.5, 1.0), (0.8, -2.0), (0.3, 0.7)
    left = scan_tree.combine(scan_tree.combine(a, b), c)
    assert left == pytest.approx(scan_tree.combine(a, scan_tree.combine(b, c)))


@pytest.mark.parametrize(("way", "rounds", "combinations"), [
    ("one by one", 15, 15), ("doubling", 4, 49), ("up and down", 7, 26),
])  # fmt: skip
def test_every_way_ends_at_the_same_states(way: str, rounds: int, combinations: int):
    """n log2 n - n + 1 combinations in log2 n rounds; 2 n - 2 - log2 n in 2 log2 n - 1 (Brent and Kung)."""
    assert len(scan_tree.rounds_of(way)) == rounds
    pairs, spans, made = scan_tree.scan_to(way, rounds)
    assert made == combinations
    assert spans[-1] == list(range(1, 17))
    h = 0.0
    for i, (_, state) in enumerate(pairs):
        h = 0.9 * h + (1.0 if i % 5 == 0 else 0.0)
        assert state == pytest.approx(h)
