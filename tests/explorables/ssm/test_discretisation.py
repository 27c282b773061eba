"""Rules of discretisation, against closed forms."""

from __future__ import annotations

import pytest
import torch

from atlas_cli.explorables.ssm import discretisation
from atlas_cli.systems.ssm.mamba import plain_scan


def test_zero_order_hold_is_exact_where_the_input_stands_still():
    """Delta 0.5 and 0.25 put a step on both edges of the pulse."""
    for delta in (0.25, 0.5):
        assert discretisation.discretisation(delta, "zero-order hold").facts["largest error"] < 1e-12
        assert discretisation.discretisation(delta, "euler").facts["largest error"] > 0.01


def test_rules_agree_for_small_steps_to_first_order():
    exact = discretisation.bars_of(1e-3, "zero-order hold")
    for rule in ("mamba", "euler"):
        assert discretisation.bars_of(1e-3, rule) == pytest.approx(exact, rel=1e-3)


def test_euler_swings_beyond_one_and_blows_up_beyond_two():
    assert discretisation.bars_of(1.5, "euler")[0] < 0
    assert abs(discretisation.bars_of(2.5, "euler")[0]) > 1
    assert all(0 < discretisation.bars_of(delta, "mamba")[0] < 1 for delta in discretisation.DELTAS)


def test_mambas_rule_is_that_of_the_projects_scan():
    delta, x = 0.3, torch.tensor([1.0, 0.0, 2.0]).view(1, 3, 1)
    ones = torch.ones(1, 3, 1)
    y = plain_scan(x, torch.full_like(x, delta), -torch.ones(1, 1), ones, ones)
    decay, enters = discretisation.bars_of(delta, "mamba")
    h = expected = 0.0
    for value in (1.0, 0.0, 2.0):
        h = decay * h + enters * value
        expected = h
    assert float(y[0, -1, 0]) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("rule", discretisation.RULES)
def test_a_strip_is_as_wide_as_the_step_and_has_the_area_of_its_weight(rule: str):
    delta = discretisation.DELTAS[12]
    decay, enters = discretisation.bars_of(delta, rule)
    strips = discretisation.discretisation(delta, rule).panels[0][1].shapes[0].paths
    for k, ((x1, _), (_, height), (x2, _), _) in enumerate(strips[:6]):
        assert x2 - x1 == pytest.approx(delta, abs=2e-3)
        assert delta * height == pytest.approx(enters * decay**k, rel=2e-3)


def test_with_zero_order_hold_the_strips_have_the_area_below_the_curve():
    import math

    delta = discretisation.DELTAS[20]
    decay, enters = discretisation.bars_of(delta, "zero-order hold")
    for k in range(4):
        assert enters * decay**k == pytest.approx(math.exp(-k * delta) - math.exp(-(k + 1) * delta))


def test_the_stairs_stand_on_the_states():
    delta = 0.5
    states = discretisation.states_of(delta, "zero-order hold")
    shapes = discretisation.discretisation(delta, "zero-order hold").panels[0][0].shapes
    (stairs,), (corners,) = shapes[0].paths, shapes[3].paths
    assert [h for _, h in corners] == pytest.approx(states, abs=1e-3)
    assert set(corners) <= set(stairs)
