"""What the diffusion explorables compute, against closed forms."""

from __future__ import annotations

import math

import pytest
import torch

from atlas_cli.explorables import denoising, diffusion
from atlas_cli.explorables.mixtures import Mixture, equal_mixture
from atlas_cli.systems.diffusion.ddpm import Config, alpha_bar
from tests.explorables.house import check


@pytest.mark.parametrize("shown", diffusion.EXPLORABLES, ids=lambda shown: shown.name)
def test_every_setting_is_a_frame_and_every_knob_changes_it(shown):
    check(shown)


@pytest.mark.parametrize("schedule", ["cosine", "linear"])
def test_noising_follows_the_systems_alpha_bar(schedule: str):
    left = alpha_bar(Config(n_steps=200, schedule=schedule, beta_start=5e-4, beta_end=0.1))
    for t in (0, 80, 199):
        facts = diffusion.noising(t, schedule).facts
        assert facts["image variance left"] == pytest.approx(float(left[t]), rel=1e-3)
        assert facts["signal to noise"] == pytest.approx(float(left[t] / (1 - left[t])), rel=1e-3)


def test_both_schedules_end_in_noise():
    for schedule in ("cosine", "linear"):
        assert diffusion.noising(199, schedule).facts["image variance left"] < 1e-4


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


def test_one_step_lands_on_the_mean_of_the_data():
    path = denoising.walk(denoising.line(), denoising.process("cosine", 1).timesteps(), 0.0)
    assert float(path[-1].mean()) == pytest.approx(0.4 * -1.5 + 0.6 * 1.2, abs=0.02)
    assert float(path[-1].std()) < 0.05


def test_more_steps_bring_the_samples_closer_to_the_data():
    distances = [diffusion.sampler(n, 0.0).facts["distance to the data"] for n in (1, 4, 16)]
    assert distances[0] > 2 * distances[1] > 4 * distances[2]


def test_eta_one_steps_by_the_systems_posterior():
    ddpm = denoising.process("cosine", 4)
    t, s = ddpm.timesteps()[1:3]
    a_t, a_s = float(ddpm.alpha_bar[t]), float(ddpm.alpha_bar[s])
    x, data = torch.tensor([[0.3]]), torch.tensor([[-0.8]])
    mean, sigma = ddpm.posterior(x[..., None, None], data[..., None, None], t, s)
    noise = (x - a_t**0.5 * data) / (1 - a_t) ** 0.5
    ddim = a_s**0.5 * data + math.sqrt(1 - a_s - sigma**2) * noise
    torch.testing.assert_close(ddim, mean[..., 0, 0])


def test_noise_makes_paths_rough_and_none_makes_them_repeat():
    visited = denoising.process("cosine", 20).timesteps()
    smooth, rough = (denoising.walk(denoising.line(), visited, eta) for eta in (0.0, 1.0))
    assert float(rough.diff(n=2, dim=0).square().mean()) > 3 * float(smooth.diff(n=2, dim=0).square().mean())


def test_guidance_buys_certainty_and_pays_with_spread():
    facts = [diffusion.guidance(w, "upper").facts for w in (0, 1, 3, 6)]
    assert [f["sure of the class"] for f in facts] == sorted(f["sure of the class"] for f in facts)
    spreads = [f["spread against weight 1"] for f in facts]
    assert spreads == sorted(spreads, reverse=True)
    assert spreads[1] == 1


def test_without_guidance_the_class_does_not_matter():
    parts, both = diffusion._classes()
    torch.testing.assert_close(
        diffusion.guided_samples(parts[0], both, 0.0), diffusion.guided_samples(parts[1], both, 0.0)
    )


def test_ranks_and_data_of_ranks_undo_one_another():
    mixture = denoising.line()
    ranks = torch.tensor([0.001, 0.2, 0.39, 0.5, 0.999], dtype=torch.float64)
    torch.testing.assert_close(denoising.ranks(mixture, denoising.datum_of_rank(mixture, ranks)), ranks)


def test_ranks_are_the_shares_below():
    mixture = denoising.line()
    x = 0.6 * mixture.draw(200_000, seed=3)[:, 0]
    x += 0.8 * torch.randn(len(x), generator=torch.Generator().manual_seed(4))
    places = torch.tensor([-1.0, 0.0, 0.7])
    measured = (x[:, None] < places).double().mean(0)
    torch.testing.assert_close(denoising.ranks(mixture, places, 0.6, 0.8), measured, atol=5e-3, rtol=0)


def test_the_distance_is_how_far_samples_were_moved():
    data = denoising.line().draw(denoising.N_ENDS, seed=0)[:, 0]
    assert denoising.distance(data + 5) == pytest.approx(5, abs=0.1)
    assert denoising.distance(data) < 0.1


def test_time_runs_in_small_steps():
    """So that the slider feels continuous."""
    values = next(e for e in diffusion.EXPLORABLES if e.name == "noising").knobs[0].values
    assert len(values) > 60
    assert (values[0], values[-1]) == (0, denoising.N_STEPS - 1)
