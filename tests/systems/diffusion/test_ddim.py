"""DDIM against diffusers' scheduler, DDPM's posterior, and the exact flow of a Gaussian."""

from __future__ import annotations

import math

import pytest
import torch

from atlas_cli.systems.diffusion.ddim import spherical
from atlas_cli.systems.diffusion.ddpm import DDPM, Config, alpha_bar, ddim_posterior


def tiny(**fields: object) -> DDPM:
    torch.manual_seed(0)
    return DDPM(Config(**{"image_size": 8, "n_steps": 20, "width": 8, "sampler": "ddim", **fields}))


def optimal(ddpm: DDPM, mean: float, std: float):
    """E[x_0 | x_t] for data ~ N(mean, std^2), in the place of the net (`prediction: x0`)."""

    def predict(x_t: torch.Tensor, t: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        signal, sigma = ddpm.levels(t)
        gain = signal * std**2 / (signal**2 * std**2 + sigma**2)
        return mean + gain * (x_t - signal * mean)

    return predict


@pytest.mark.parametrize("eta", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("prediction", ["epsilon", "x0", "v"])
def test_each_step_equals_diffusers(prediction: str, eta: float) -> None:
    from diffusers import DDIMScheduler

    steps = 10
    ddpm = tiny(prediction=prediction, n_steps=40, clip=False, sampler_eta=eta)
    kept = alpha_bar(ddpm.config).double()
    betas = 1 - kept / torch.cat([torch.ones(1).double(), kept[:-1]])
    names = {"v": "v_prediction", "x0": "sample", "epsilon": "epsilon"}
    reference = DDIMScheduler(
        num_train_timesteps=40, trained_betas=betas.float().numpy(), clip_sample=False,
        set_alpha_to_one=True, prediction_type=names[prediction], timestep_spacing="leading",
    )  # fmt: skip
    reference.set_timesteps(steps)
    x, output = torch.randn(4, 1, 8, 8), torch.randn(4, 1, 8, 8)
    visited = reference.timesteps.tolist()
    for t, s in zip(visited, [*visited[1:], -1], strict=True):
        data = ddpm.to_data(output, x, torch.full((4,), t))
        mean, sigma = ddpm.move(x, data, t, s)
        draw = torch.randn(x.shape, generator=torch.Generator().manual_seed(t))
        theirs = reference.step(output, t, x, eta=eta, variance_noise=draw).prev_sample
        # the reference's stride to its last step ends at alpha_bar = 1, as ours does
        torch.testing.assert_close(mean + sigma * draw, theirs, atol=1e-5, rtol=1e-5)


def test_eta_of_one_is_the_posterior_of_ddpm() -> None:
    ddpm = tiny(sampler_eta=1.0)
    x, data = torch.randn(4, 1, 8, 8), torch.randn(4, 1, 8, 8)
    for t, s in ((19, 12), (12, 3), (5, 4), (4, -1)):
        ours, sigma = ddpm.move(x, data, t, s)
        theirs, spread = ddpm.posterior(x, data, t, s)
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)
        assert sigma == pytest.approx(spread, abs=1e-6)


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
def test_with_the_optimal_denoiser_of_a_gaussian_every_eta_draws_that_gaussian(eta: float) -> None:
    mean, std = 0.5, 0.2
    ddpm = tiny(n_steps=400, prediction="x0", guidance=1.0, clip=False, sampler_steps=400, sampler_eta=eta)
    ddpm.predict = optimal(ddpm, mean, std)  # type: ignore[method-assign]
    drawn = ddpm.draw(torch.zeros(500, dtype=torch.long), torch.Generator().manual_seed(0))[-1]
    assert drawn.mean().item() == pytest.approx(mean, abs=0.01)
    assert drawn.std().item() == pytest.approx(std, abs=0.01)


def test_without_fresh_noise_the_walk_of_a_gaussian_is_a_straight_scaling() -> None:
    """Its probability-flow ODE is linear: noise z ends at mean + std z, here up to the step size."""
    mean, std = -0.2, 0.3
    ddpm = tiny(n_steps=1000, prediction="x0", guidance=1.0, clip=False, sampler_steps=1000)
    ddpm.predict = optimal(ddpm, mean, std)  # type: ignore[method-assign]
    noise = torch.randn(2, 1, 8, 8)
    *_, drawn = ddpm.denoise(noise, torch.zeros(2, dtype=torch.long), torch.Generator())
    torch.testing.assert_close(drawn, mean + std * noise, atol=5e-3, rtol=0)


def test_up_and_down_with_one_estimate_comes_back() -> None:
    x, data = torch.randn(4, 1, 8, 8), torch.randn(4, 1, 8, 8)
    up, _ = ddim_posterior(x, data, 0.7, 0.2, 0.0)
    down, _ = ddim_posterior(up, data, 0.2, 0.7, 0.0)
    torch.testing.assert_close(down, x, atol=1e-5, rtol=1e-5)


def test_the_generator_is_not_asked_where_there_is_no_noise() -> None:
    ddpm, label = tiny(sampler_steps=6), torch.arange(4)
    noise = torch.randn(4, 1, 8, 8)
    ends = [list(ddpm.denoise(noise, label, torch.Generator().manual_seed(s)))[-1] for s in (1, 2)]
    assert torch.equal(*ends)


def test_between_two_noises_the_length_stays() -> None:
    a, b = torch.randn(2, 3, 1, 1, 28, 28)
    share = torch.linspace(0, 1, 5).view(1, -1, 1, 1, 1)
    between = spherical(a, b, share)
    assert between.shape == (3, 5, 1, 28, 28)
    torch.testing.assert_close(between[:, :1], a)
    torch.testing.assert_close(between[:, -1:], b, atol=1e-5, rtol=1e-5)
    lengths = between.flatten(2).norm(dim=2)
    assert lengths.min().item() > 0.9 * math.sqrt(28 * 28)
