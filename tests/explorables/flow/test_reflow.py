"""Flows that are trained on pairs of their own: the properties that reflow promises."""

from __future__ import annotations

import pytest
import torch

from atlas_cli.explorables.flow import reflow
from atlas_cli.explorables.flow._data import normal, ring
from atlas_cli.explorables.flow._pairs import Pairs
from atlas_cli.explorables.flow.reflow import flow_of, walk


def test_a_lone_pair_moves_straight_and_evenly():
    noise, data = torch.tensor([[0.0, 1.0]]), torch.tensor([[2.0, -1.0]])
    path = walk(Pairs(noise, data, 0.1).velocity, noise, 5)
    torch.testing.assert_close(path[:, 0], torch.lerp(noise, data, torch.linspace(0, 1, 6)[:, None]))
    assert reflow.bend(path) == pytest.approx(0, abs=1e-10)


def test_one_round_of_reflow_straightens_the_paths():
    """Liu et al. 2022: the bend falls, and convex costs do not rise."""
    before, after = (reflow.exact(k) for k in (0, 1))
    assert reflow.bend(after) < 0.02 * reflow.bend(before)
    assert reflow.step_error(1, 1) < 0.1 * reflow.step_error(0, 1)
    lengths = [float((path[-1] - path[0]).square().sum(1).mean()) for path in (before, after)]
    random = float((ring().draw(5000, seed=8) - normal(5000, seed=9)).square().sum(1).mean())
    assert lengths[0] < random
    assert lengths[1] < 1.02 * lengths[0]


def test_later_rounds_lose_some_of_the_data():
    shares = [reflow.on_data(reflow.exact(k)[-1]) for k in reflow.ROUNDS]
    assert shares[0] > 0.97
    assert shares == sorted(shares, reverse=True)


def test_before_reflow_one_step_lands_on_the_mean():
    ends = reflow.few_steps(0, 1)
    assert float((ends - ring().means.mean(0)).norm(dim=1).max()) < 1e-4
    assert float((flow_of(0)(ends, 0.0) + ends).norm(dim=1).max()) < 1e-4
    assert reflow.on_data(ends) == 0


def test_the_midpoint_rule_is_of_second_order():
    def velocity(x: torch.Tensor, t: float) -> torch.Tensor:
        return x * t  # dx / dt = x t, so x(1) = x(0) exp(1 / 2)

    start = torch.ones(1, 2, dtype=torch.float64)
    errors = [
        abs(float(walk(velocity, start, n, midpoint=True)[-1, 0, 0]) - 1.6487212707) for n in (8, 16, 32)
    ]
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.15)
    assert errors[1] / errors[2] == pytest.approx(4, rel=0.15)


@pytest.mark.parametrize(("round", "steps"), [(0, 1), (1, 4)])
def test_arrows_are_the_steps_and_what_they_miss_is_between_both_ends(round: int, steps: int):
    shapes = {shape.label: shape.paths for shape in reflow.reflow(round, steps).panels[0][0].shapes}
    arrows, exact, missed = shapes["a step"], shapes["exact path"], shapes["missed by"]
    n = len(exact)
    assert len(arrows) == steps * n
    assert len(missed) == n
    for k in range(n):
        assert arrows[k][0] == exact[k][0]
        assert missed[k] == (arrows[-n + k][1], exact[k][-1])
