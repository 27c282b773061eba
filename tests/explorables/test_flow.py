"""What the flow explorables compute, against closed forms."""

from __future__ import annotations

import math

import pytest
import torch
from scipy import integrate, stats

from atlas_cli.explorables import flow
from atlas_cli.explorables.mixtures import Mixture, equal_mixture
from tests.explorables.house import check


@pytest.mark.parametrize("shown", flow.EXPLORABLES, ids=lambda shown: shown.name)
def test_every_setting_is_a_frame_and_every_knob_changes_it(shown):
    check(shown)


@pytest.mark.parametrize("path", flow.PATHS)
def test_paths_run_from_noise_to_data_at_the_rate_they_say(path: str):
    assert flow.schedule(0.0, path)[:2] == pytest.approx((0, 1))
    assert flow.schedule(1.0, path)[:2] == pytest.approx((1, 0))
    for t in (0.2, 0.7):
        ahead, behind = flow.schedule(t + 1e-5, path), flow.schedule(t - 1e-5, path)
        rates = [(a - b) / 2e-5 for a, b in zip(ahead[:2], behind[:2], strict=True)]
        assert flow.schedule(t, path)[2:] == pytest.approx(rates, rel=1e-4)


@pytest.mark.parametrize("path", flow.PATHS)
def test_the_velocity_carries_one_gaussian_to_another(path: str):
    """For one Gaussian N(m, s^2) the flow is x_t = signal m + (spread_t / spread_0) x_0, in closed form."""
    m, s = torch.tensor([[1.0]]), 0.5
    mixture = Mixture(m, torch.ones(1), s)
    x = torch.tensor([[-1.0], [0.3], [2.0]])
    start, steps = x.clone(), 2000
    for k in range(steps):
        t = (k + 0.5) / steps
        half = x + flow.velocity(mixture, x, k / steps, path) / (2 * steps)
        x = x + flow.velocity(mixture, half, t, path) / steps
    torch.testing.assert_close(x, m + s * start, atol=2e-3, rtol=0)


def test_at_the_start_all_point_to_the_mean_of_the_data():
    """Noise says nothing of its datum: E[data - noise | x_0 = x] = mean - x."""
    x = torch.randn(4, 2, generator=torch.Generator().manual_seed(0))
    mean = flow.ring().means.mean(0)
    torch.testing.assert_close(flow.velocity(flow.ring(), x, 0.0), mean - x, atol=1e-5, rtol=0)


def test_the_velocity_is_the_mean_over_pairs():
    """Of all pairs that pass near a place, drawn and averaged."""
    mixture, generator = equal_mixture([(-1.0,), (1.0,)], 0.2), torch.Generator().manual_seed(3)
    data = mixture.draw(400_000, seed=4)
    noise = torch.randn(data.shape, generator=generator)
    x = 0.6 * data + 0.4 * noise
    near = (x - 0.25).abs().squeeze() < 0.02
    measured = float((data - noise)[near].mean())
    assert float(flow.velocity(mixture, torch.tensor([[0.25]]), 0.6)) == pytest.approx(measured, abs=0.03)


def test_errors_shrink_with_the_order_of_the_solver():
    assert flow.error(32, "euler") < flow.error(8, "euler") < flow.error(2, "euler")
    assert flow.error(32, "midpoint") < 0.2 * flow.error(32, "euler")


def test_one_euler_step_lands_on_the_mean():
    end = flow.solve(1, "euler")[-1]
    assert float((end - flow.ring().means.mean(0)).norm(dim=1).max()) < 1e-4


@pytest.mark.parametrize(("mean", "width"), [(0.0, 1.0), (-1.0, 0.5), (2.0, 2.0)])
def test_the_density_of_times_is_the_logit_normals(mean: float, width: float):
    assert flow.time_density(0.3, mean, width) == pytest.approx(
        stats.norm.pdf(math.log(0.3 / 0.7), mean, width) / (0.3 * 0.7)
    )
    area, _ = integrate.quad(flow.time_density, 1 / 3, 2 / 3, (mean, width))
    assert flow.time_share(1 / 3, 2 / 3, mean, width) == pytest.approx(area)
    assert flow.time_share(0.0, 1.0, mean, width) == pytest.approx(1)


def test_what_is_hard_lies_between_noise_and_data():
    """At both ends the best velocity is linear in x: mean - x, and x."""
    assert flow.hard_part(0.02) < 1e-3 * flow.hard_part(0.6)
    assert flow.hard_part(0.98) < 0.1 * flow.hard_part(0.6)


def test_time_runs_in_small_steps():
    """So that the slider feels continuous."""
    values = next(e for e in flow.EXPLORABLES if e.name == "probability-path").knobs[0].values
    assert len(values) > 60
    assert (values[0], values[-1]) == (0, 1)
