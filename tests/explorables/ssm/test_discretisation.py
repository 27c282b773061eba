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
