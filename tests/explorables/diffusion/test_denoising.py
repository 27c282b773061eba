"""The way back with the exact denoiser, against closed forms."""

from __future__ import annotations

import math

import pytest
import torch

from atlas_cli.explorables.diffusion import _denoising


def test_one_step_lands_on_the_mean_of_the_data():
    path = _denoising.walk(_denoising.line(), _denoising.process("cosine", 1).timesteps(), 0.0)
    assert float(path[-1].mean()) == pytest.approx(0.4 * -1.5 + 0.6 * 1.2, abs=0.02)
    assert float(path[-1].std()) < 0.05


def test_eta_one_steps_by_the_systems_posterior():
    ddpm = _denoising.process("cosine", 4)
    t, s = ddpm.timesteps()[1:3]
    a_t, a_s = float(ddpm.alpha_bar[t]), float(ddpm.alpha_bar[s])
    x, data = torch.tensor([[0.3]]), torch.tensor([[-0.8]])
    mean, sigma = ddpm.posterior(x[..., None, None], data[..., None, None], t, s)
    noise = (x - a_t**0.5 * data) / (1 - a_t) ** 0.5
    ddim = a_s**0.5 * data + math.sqrt(1 - a_s - sigma**2) * noise
    torch.testing.assert_close(ddim, mean[..., 0, 0])


def test_noise_makes_paths_rough_and_none_makes_them_repeat():
    visited = _denoising.process("cosine", 20).timesteps()
    smooth, rough = (_denoising.walk(_denoising.line(), visited, eta) for eta in (0.0, 1.0))
    assert float(rough.diff(n=2, dim=0).square().mean()) > 3 * float(smooth.diff(n=2, dim=0).square().mean())


def test_ranks_and_data_of_ranks_undo_one_another():
    mixture = _denoising.line()
    ranks = torch.tensor([0.001, 0.2, 0.39, 0.5, 0.999], dtype=torch.float64)
    torch.testing.assert_close(_denoising.ranks(mixture, _denoising.datum_of_rank(mixture, ranks)), ranks)


def test_ranks_are_the_shares_below():
    mixture = _denoising.line()
    x = 0.6 * mixture.draw(200_000, seed=3)[:, 0]
    x += 0.8 * torch.randn(len(x), generator=torch.Generator().manual_seed(4))
    places = torch.tensor([-1.0, 0.0, 0.7])
    measured = (x[:, None] < places).double().mean(0)
    torch.testing.assert_close(_denoising.ranks(mixture, places, 0.6, 0.8), measured, atol=5e-3, rtol=0)


def test_the_distance_is_how_far_samples_were_moved():
    data = _denoising.line().draw(_denoising.N_ENDS, seed=0)[:, 0]
    assert _denoising.distance(data + 5) == pytest.approx(5, abs=0.1)
    assert _denoising.distance(data) < 0.1
