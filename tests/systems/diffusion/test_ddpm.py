"""DDPM against diffusers' scheduler, closed forms, and the optimal denoiser of a Gaussian."""

from __future__ import annotations

import math

import pytest
import torch

from atlas_cli.engine.system import Setting
from atlas_cli.recipe.recipes import TrainConfig
from atlas_cli.systems.diffusion.ddpm import DDPM, Config, alpha_bar

TRAIN = TrainConfig(steps=1, batch_size=8, lr=1e-3)


def tiny(**fields: object) -> DDPM:
    torch.manual_seed(0)
    return DDPM(Config(**{"image_size": 8, "n_steps": 20, "width": 8, **fields}))


def schedule(config: Config):
    """diffusers' scheduler with the very betas of `config`, so that both start from equal numbers."""
    from diffusers import DDPMScheduler

    kept = alpha_bar(config).double()
    betas = 1 - kept / torch.cat([torch.ones(1).double(), kept[:-1]])
    names = {"v": "v_prediction", "x0": "sample", "epsilon": "epsilon"}
    return DDPMScheduler(
        num_train_timesteps=config.n_steps, trained_betas=betas.float().numpy(), variance_type="fixed_small",
        clip_sample=False, prediction_type=names[config.prediction],
    )  # fmt: skip


@pytest.mark.parametrize("prediction", ["epsilon", "x0", "v"])
def test_add_noise_and_target_equal_diffusers(prediction: str) -> None:
    ddpm = tiny(prediction=prediction)
    reference = schedule(ddpm.config)
    data, noise, t = torch.randn(8, 1, 8, 8), torch.randn(8, 1, 8, 8), torch.arange(8)
    torch.testing.assert_close(
        ddpm.add_noise(data, noise, t), reference.add_noise(data, noise, t), atol=1e-5, rtol=0
    )
    if prediction == "v":
        torch.testing.assert_close(
            ddpm.target(data, noise, t), reference.get_velocity(data, noise, t), atol=1e-5, rtol=0
        )


@pytest.mark.parametrize("prediction", ["epsilon", "x0", "v"])
@pytest.mark.parametrize("kind", ["cosine", "linear"])
def test_each_step_of_ancestral_sampling_equals_diffusers(prediction: str, kind: str) -> None:
    ddpm = tiny(prediction=prediction, schedule=kind, clip=False, sampler_steps=20)
    reference = schedule(ddpm.config)
    x, output = torch.randn(4, 1, 8, 8), torch.randn(4, 1, 8, 8)
    for t in range(19, -1, -1):
        data = ddpm.to_data(output, x, torch.full((4,), t))
        mean, sigma = ddpm.posterior(x, data, t, t - 1)
        draw = torch.randn(x.shape, generator=torch.Generator().manual_seed(t))
        ours = mean + sigma * draw if t > 0 else mean
        theirs = reference.step(output, t, x, generator=torch.Generator().manual_seed(t)).prev_sample
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("prediction", ["epsilon", "x0", "v"])
def test_to_data_undoes_target(prediction: str) -> None:
    ddpm = tiny(prediction=prediction)
    data, noise, t = torch.randn(8, 1, 8, 8), torch.randn(8, 1, 8, 8), torch.arange(8) * 2
    x_t = ddpm.add_noise(data, noise, t)
    torch.testing.assert_close(ddpm.to_data(ddpm.target(data, noise, t), x_t, t), data, atol=1e-4, rtol=1e-4)


def test_posterior_is_bayes_rule_for_gaussians() -> None:
    """q(x_s | x_t, x_0) is proportional to q(x_t | x_s) q(x_s | x_0): multiply the two densities."""
    ddpm = tiny(n_steps=50, schedule="linear", beta_start=1e-3, beta_end=0.2)
    t, s, x_0, x_t = 40, 25, 0.7, -0.3
    a_t, a_s = float(ddpm.alpha_bar[t]), float(ddpm.alpha_bar[s])
    alpha = a_t / a_s
    precision = alpha / (1 - alpha) + 1 / (1 - a_s)
    mean = (math.sqrt(alpha) * x_t / (1 - alpha) + math.sqrt(a_s) * x_0 / (1 - a_s)) / precision
    ours, sigma = ddpm.posterior(torch.full((1, 1, 1, 1), x_t), torch.full((1, 1, 1, 1), x_0), t, s)
    assert float(ours) == pytest.approx(mean, abs=1e-5)
    assert sigma == pytest.approx(precision**-0.5, rel=1e-4)


def test_the_last_step_adds_no_noise() -> None:
    ddpm = tiny(sampler_steps=5)
    label = torch.arange(4)
    noise = torch.randn(4, 1, 8, 8)
    ends = [list(ddpm.denoise(noise, label, torch.Generator().manual_seed(s))) for s in (1, 1, 2)]
    last = ddpm.timesteps()[-1]
    data = ddpm.predict_data(ends[0][-2], torch.full((4,), last), label)
    torch.testing.assert_close(ends[0][-1], ddpm.posterior(ends[0][-2], data, last, -1)[0])
    assert torch.equal(ends[0][-1], ends[1][-1])
    assert not torch.equal(ends[0][-1], ends[2][-1])


def test_one_step_sampler_with_perfect_noise_returns_the_data() -> None:
    config = Config(
        n_steps=1, schedule="linear", beta_start=0.5, beta_end=0.5, prediction="epsilon", guidance=1.0,
        image_size=8, width=8,
    )  # fmt: skip
    ddpm = DDPM(config)
    data, signal, sigma = (
        torch.rand(2, 1, 8, 8) * 2 - 1,
        ddpm.alpha_bar[0].sqrt(),
        (1 - ddpm.alpha_bar[0]).sqrt(),
    )
    ddpm.predict = lambda x_t, t, label: (x_t - signal * data) / sigma  # type: ignore[method-assign]
    *_, result = ddpm.denoise(torch.randn(2, 1, 8, 8), torch.zeros(2, dtype=torch.long), torch.Generator())
    torch.testing.assert_close(result, data, atol=1e-5, rtol=1e-5)


def test_sampler_with_the_optimal_denoiser_of_a_gaussian_draws_that_gaussian() -> None:
    """For data ~ N(m, s^2), E[x_0 | x_t] is known; ancestral sampling with it must give N(m, s^2) back."""
    mean, std = 0.5, 0.2
    ddpm = tiny(n_steps=400, prediction="x0", guidance=1.0, clip=False, sampler_steps=400)

    def optimal(x_t: torch.Tensor, t: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        signal, sigma = ddpm.levels(t)
        gain = signal * std**2 / (signal**2 * std**2 + sigma**2)
        return mean + gain * (x_t - signal * mean)

    ddpm.predict = optimal  # type: ignore[method-assign]
    drawn = ddpm.draw(torch.zeros(500, dtype=torch.long), torch.Generator().manual_seed(0))[
        -1
    ]  # 32,000 pixels
    assert drawn.mean().item() == pytest.approx(mean, abs=0.01)
    assert drawn.std().item() == pytest.approx(std, abs=0.01)


def test_guidance_of_one_is_the_conditional_net_and_zero_the_unconditional_one() -> None:
    x_t, t, label = torch.randn(4, 1, 8, 8), torch.full((4,), 9), torch.arange(4)
    nobody = torch.full((4,), 10)
    base = tiny(clip=False, guidance=1.0)
    torch.nn.init.normal_(base.net.conv_out.weight)
    for parameter in base.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    unguided = DDPM(base.config.model_copy(update={"guidance": 0.0}))
    unguided.load_state_dict(base.state_dict())
    torch.testing.assert_close(
        unguided.predict_data(x_t, t, label), base.predict_data(x_t, t, nobody), atol=1e-5, rtol=1e-4
    )
    assert not torch.allclose(base.predict_data(x_t, t, label), base.predict_data(x_t, t, nobody), atol=1e-3)


def test_timesteps_go_from_pure_noise_to_the_first_step() -> None:
    for steps in (2, 7, 20, 500):
        visited = tiny(sampler_steps=steps).timesteps()
        assert visited[0] == 19
        strides = [t - s for t, s in zip(visited, [*visited[1:], -1], strict=True)]
        assert max(strides) - min(strides) <= 1
        assert visited == sorted(set(visited), reverse=True)
        assert len(visited) == min(steps, 20)
    assert tiny(sampler_steps=1).timesteps() == [19]


@pytest.mark.parametrize(("size", "channels"), [(28, 1), (32, 3), (8, 1)])
def test_the_net_fits_every_image_source(size: int, channels: int) -> None:
    ddpm = DDPM(Config(image_size=size, channels=channels, width=8))
    x = torch.randn(2, channels, size, size)
    assert ddpm.predict(x, torch.tensor([0, 5]), torch.tensor([1, 10])).shape == x.shape


def test_cosine_schedule_leaves_no_signal_and_starts_with_almost_all() -> None:
    kept = alpha_bar(Config(n_steps=1000))
    assert kept[0] > 0.999
    assert kept[-1] < 1e-4
    assert (kept.diff() < 0).all()
    mid = math.cos((0.5 + 0.008) / 1.008 * math.pi / 2) ** 2 / math.cos(0.008 / 1.008 * math.pi / 2) ** 2
    assert float(kept[499]) == pytest.approx(mid, rel=1e-4)


def test_two_ranks_see_together_what_one_sees(tiny_images: object) -> None:
    def batch(rank: int, world: int):
        return tiny().attach(Setting(tiny_images, TRAIN, rank=rank, world_size=world)).batch(3)

    whole, first, second = batch(0, 1), batch(0, 2), batch(1, 2)
    for name in ("data", "label", "t", "noise"):
        assert torch.equal(getattr(whole, name), torch.cat([getattr(first, name), getattr(second, name)]))
