"""The best velocity of a mixture, against closed forms."""

from __future__ import annotations

import pytest
import torch

from atlas_cli.explorables._mixtures import Mixture, equal_mixture
from atlas_cli.explorables.flow import _data, _velocity, probability_path


@pytest.mark.parametrize("path", probability_path.PATHS)
def test_paths_run_from_noise_to_data_at_the_rate_they_say(path: str):
    assert _velocity.schedule(0.0, path)[:2] == pytest.approx((0, 1))
    assert _velocity.schedule(1.0, path)[:2] == pytest.approx((1, 0))
    for t in (0.2, 0.7):
        ahead, behind = _velocity.schedule(t + 1e-5, path), _velocity.schedule(t - 1e-5, path)
        rates = [(a - b) / 2e-5 for a, b in zip(ahead[:2], behind[:2], strict=True)]
        assert _velocity.schedule(t, path)[2:] == pytest.approx(rates, rel=1e-4)


@pytest.mark.parametrize("path", probability_path.PATHS)
def test_the_velocity_carries_one_gaussian_to_another(path: str):
    """For one Gaussian N(m, s^2) the flow is x_t = signal m + (spread_t / spread_0) x_0, in closed form."""
    m, s = torch.tensor([[1.0]]), 0.5
    mixture = Mixture(m, torch.ones(1), s)
    x = torch.tensor([[-1.0], [0.3], [2.0]])
    start, steps = x.clone(), 2000
    for k in range(steps):
        t = (k + 0.5) / steps
        half = x + _velocity.velocity(mixture, x, k / steps, path) / (2 * steps)
        x = x + _velocity.velocity(mixture, half, t, path) / steps
    torch.testing.assert_close(x, m + s * start, atol=2e-3, rtol=0)


def test_at_the_start_all_point_to_the_mean_of_the_data():
    """Noise says nothing of its datum: E[data - noise | x_0 = x] = mean - x."""
    x = torch.randn(4, 2, generator=torch.Generator().manual_seed(0))
    mean = _data.ring().means.mean(0)
    torch.testing.assert_close(_velocity.velocity(_data.ring(), x, 0.0), mean - x, atol=1e-5, rtol=0)


def test_the_velocity_is_the_mean_over_pairs():
    """Of all pairs that pass near a place, drawn and averaged."""
    mixture, generator = equal_mixture([(-1.0,), (1.0,)], 0.2), torch.Generator().manual_seed(3)
    data = mixture.draw(400_000, seed=4)
    noise = torch.randn(data.shape, generator=generator)
    x = 0.6 * data + 0.4 * noise
    near = (x - 0.25).abs().squeeze() < 0.02
    measured = float((data - noise)[near].mean())
    assert float(_velocity.velocity(mixture, torch.tensor([[0.25]]), 0.6)) == pytest.approx(
        measured, abs=0.03
    )
