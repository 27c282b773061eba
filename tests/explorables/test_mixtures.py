"""Mixtures of Gaussians: the best denoiser against closed forms."""

from __future__ import annotations

import pytest
import torch

from atlas_cli.explorables._mixtures import Mixture, equal_mixture


def test_the_denoiser_of_one_gaussian_is_linear():
    """For N(m, s^2): E[data | x] = (signal s^2 x + sigma^2 m) / (signal^2 s^2 + sigma^2)."""
    m, s, signal, sigma = torch.tensor([[1.0, -2.0]]), 0.7, 0.6, 0.8
    x = torch.randn(5, 2, generator=torch.Generator().manual_seed(0))
    expected = (signal * s**2 * x + sigma**2 * m) / (signal**2 * s**2 + sigma**2)
    torch.testing.assert_close(Mixture(m, torch.ones(1), s).posterior_mean(x, signal, sigma), expected)


def test_the_denoiser_follows_the_slope_of_the_log_density():
    """Tweedie: E[data | x] = (x + sigma^2 d log p(x) / dx) / signal."""
    mixture = equal_mixture([(-1.0, 0.0), (1.0, 0.5)], 0.3)
    x = torch.randn(6, 2, generator=torch.Generator().manual_seed(1)).requires_grad_()
    (slope,) = torch.autograd.grad(mixture.density(x, 0.5, 0.6).log().sum(), x)
    expected = (x + 0.36 * slope) / 0.5
    torch.testing.assert_close(mixture.posterior_mean(x, 0.5, 0.6), expected.detach(), atol=1e-4, rtol=1e-4)


def test_a_mixtures_density_sums_to_one():
    grid = torch.linspace(-6, 6, 2001)[:, None]
    mass = equal_mixture([(-1.5,), (1.2,)], 0.25).density(grid).sum() * (12 / 2000)
    assert float(mass) == pytest.approx(1, abs=1e-4)
