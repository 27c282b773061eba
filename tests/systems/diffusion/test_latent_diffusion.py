"""Latent diffusion: the KL against diffusers, the two stages, and DDPM's own walk in a latent."""

from __future__ import annotations

import math

import pytest
import torch

from atlas_cli import catalog
from atlas_cli.engine.loop import fit
from atlas_cli.engine.system import SampleRequest, Setting
from atlas_cli.metrics.effort import operations
from atlas_cli.metrics.judge import Judge
from atlas_cli.pages.source import read_page
from atlas_cli.recipe import recipes
from atlas_cli.recipe.recipes import TrainConfig
from atlas_cli.systems.diffusion import ddpm
from atlas_cli.systems.diffusion.ddpm import DDPM
from atlas_cli.systems.diffusion.latent_diffusion import (
    SPEED_REPEATS,
    Config,
    LatentDiffusion,
    kl_to_standard_normal,
)

TRAIN = TrainConfig(steps=10, batch_size=8, lr=2e-3, precision="fp32")


def tiny(**fields: object) -> LatentDiffusion:
    """A small system whose zero-initialised layers say something."""
    torch.manual_seed(0)
    given = {"image_size": 8, "n_steps": 20, "width": 8, "autoencoder_width": 8, "autoencoder_share": 0.5}
    system = LatentDiffusion(Config(**given | fields))
    for name, parameter in system.named_parameters():
        if parameter.dim() == 4 and not parameter.any():
            torch.nn.init.normal_(system.get_parameter(name), std=0.1)
    return system


def attached(images: object, train: TrainConfig = TRAIN, **fields: object) -> LatentDiffusion:
    system = tiny(**fields)
    parent = DDPM(ddpm.Config(image_size=8, width=8, n_steps=20, sampler_steps=3, guidance=1.0))
    system.attach(Setting(images, train, parent=parent.requires_grad_(False)))
    return system


def weights(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: p.detach().clone() for name, p in module.named_parameters()}


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(a[name], b[name]) for name in a)


# --- the autoencoder ---------------------------------------------------------------------------------


def test_kl_is_the_closed_form() -> None:
    mean, log_var = torch.full((2, 1, 1, 1), 3.0), torch.full((2, 1, 1, 1), math.log(4.0))
    expected = (9 + 4 - 1 - math.log(4)) / 2
    torch.testing.assert_close(kl_to_standard_normal(mean, log_var), torch.full((2,), expected))
    nothing = torch.zeros(2, 4, 7, 7)
    assert kl_to_standard_normal(nothing, nothing).tolist() == [0, 0]


def test_kl_and_latents_equal_diffusers() -> None:
    from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution

    system, images = tiny(), torch.rand(4, 1, 8, 8) * 2 - 1
    theirs = DiagonalGaussianDistribution(system.autoencoder.encoder(images))
    mean, log_var = system.autoencoder.encode(images)
    torch.testing.assert_close(kl_to_standard_normal(mean, log_var), theirs.kl())
    noise = torch.randn(mean.shape, generator=torch.Generator().manual_seed(3))
    ours = system.encode(images, noise)
    torch.testing.assert_close(ours, theirs.sample(generator=torch.Generator().manual_seed(3)))
    torch.testing.assert_close(system.encode(images, torch.zeros_like(noise)), theirs.mode())


@pytest.mark.parametrize(("size", "channels"), [(28, 1), (32, 3), (8, 1)])
def test_a_latent_is_a_quarter_as_wide_and_the_decoder_undoes_it(size: int, channels: int) -> None:
    system = tiny(image_size=size, channels=channels, latent_channels=3)
    images = torch.rand(2, channels, size, size) * 2 - 1
    z = system.encode(images, torch.zeros(2, *system.config.latent_shape))
    assert z.shape == (2, 3, size // 4, size // 4)
    assert system.decode(z).shape == images.shape


def test_an_image_size_that_factor_four_does_not_divide_is_refused() -> None:
    with pytest.raises(ValueError, match="multiple of 4"):
        Config(image_size=30)


def test_the_autoencoder_learns_to_restore_a_batch(tiny_images: object) -> None:
    system = attached(tiny_images, kl_weight=0.0, latent_channels=16)
    optimizer = system.optimizers()["autoencoder"]
    batch, errors = system.batch(0), []
    for _ in range(150):
        loss, metrics = system.autoencoder_loss(batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        errors.append(float(metrics["mse"]))
    assert errors[-1] < errors[0] / 5


def test_the_weight_of_the_kl_is_per_image_against_the_error_of_all_pixels(tiny_images: object) -> None:
    def loss(weight: float) -> tuple[float, float]:
        system = attached(tiny_images, kl_weight=weight)
        total, metrics = system.autoencoder_loss(system.batch(0))
        return total.item(), metrics["kl"].item()

    (without, kl), (with_kl, same_kl) = loss(0.0), loss(2.0)
    assert kl == same_kl > 0
    assert with_kl - without == pytest.approx(2.0 * kl / 64, rel=1e-4)


# --- the two stages ----------------------------------------------------------------------------------


@torch.no_grad()
def test_latents_have_unit_variance_after_scaling(tiny_images: object) -> None:
    system = attached(tiny_images)
    system.autoencoder.encoder[-1].weight[:4].mul_(30)  # the means
    images = tiny_images.train_images.float() / 127.5 - 1  # type: ignore[attr-defined]
    noise = torch.randn(len(images), *system.config.latent_shape)
    assert abs(float(system.encode(images, noise).std()) - 1) > 0.5
    system.measure_latents()
    repeated = torch.cat([system.encode(images, torch.randn_like(noise)) for _ in range(20)])
    assert float(repeated.std()) == pytest.approx(1, abs=0.02)


def test_scaling_leaves_what_the_decoder_sees(tiny_images: object) -> None:
    system = attached(tiny_images)
    images = torch.rand(2, 1, 8, 8)
    noise = torch.randn(2, *system.config.latent_shape)
    before = system.decode(system.encode(images, noise))
    system.latent_std.fill_(7.0)
    torch.testing.assert_close(system.decode(system.encode(images, noise)), before, atol=1e-5, rtol=1e-5)


def test_each_stage_trains_its_own_part_and_freezes_the_other_bit_for_bit(tiny_images: object) -> None:
    system = attached(tiny_images)
    optimizers = system.optimizers()
    fresh = weights(system.autoencoder), weights(system.denoiser)
    for step in range(5):
        system.step(system.batch(step), optimizers)
    trained, scale = weights(system.autoencoder), float(system.latent_std)
    assert not same(fresh[0], trained)
    assert same(fresh[1], weights(system.denoiser))
    assert scale == 1
    for step in range(5, 10):
        system.step(system.batch(step), optimizers)
    assert same(trained, weights(system.autoencoder))
    assert not same(fresh[1], weights(system.denoiser))
    assert float(system.latent_std) != 1


def test_weight_decay_does_not_reach_the_frozen_autoencoder(tiny_images: object) -> None:
    system = attached(tiny_images, TRAIN.model_copy(update={"weight_decay": 0.5}))
    fit(system, until=5)
    trained = weights(system.autoencoder)
    optimizers = system.optimizers()
    for step in range(5, 8):
        system.step(system.batch(step), optimizers)
    assert same(trained, weights(system.autoencoder))


def test_averaged_weights_come_to_the_frozen_autoencoder(tiny_images: object) -> None:
    """What decodes after training is the average; it must be what the denoiser's latents came from."""
    train = TRAIN.model_copy(update={"steps": 300, "ema": 0.9})
    system = attached(tiny_images, train, autoencoder_share=0.1)
    fitted = fit(system)
    assert fitted.ema is not None
    for name, parameter in system.autoencoder.named_parameters():
        average = fitted.ema.average[f"autoencoder.{name}"]
        torch.testing.assert_close(average, parameter.detach(), atol=1e-5, rtol=1e-4)


def test_the_autoencoders_learning_rate_falls_to_zero_and_the_denoisers_warms_up(tiny_images: object) -> None:
    train = TRAIN.model_copy(update={"steps": 20, "lr_schedule": "constant", "warmup": 4})
    system = attached(tiny_images, train)
    rates = []
    for step in range(20):
        optimizers = system.optimizers()  # at the full rate, as the engine sets it before every step
        system.step(system.batch(step), optimizers)
        stage = "autoencoder" if step < 10 else "denoiser"
        rates.append(optimizers[stage].param_groups[0]["lr"] / train.lr)
    falling = [1 - step / 10 for step in range(10)]
    assert rates == pytest.approx([*falling, 0.25, 0.5, 0.75, *[1.0] * 7])


def test_the_second_stage_descends_ddpms_loss_on_latents(tiny_images: object) -> None:
    system = attached(tiny_images)
    system.latent_std.fill_(0.3)
    batch = system.batch(7)
    z = system.encode(batch.images, batch.latent_noise)
    reference = DDPM(system.config.denoiser())
    reference.load_state_dict(system.denoiser.state_dict())
    expected, _ = reference.loss(ddpm.Batch(z.detach(), batch.label, batch.t, batch.noise))
    loss, _ = system.loss(batch)
    torch.testing.assert_close(loss, expected)
    loss.backward()
    assert all(p.grad is None for p in system.autoencoder.parameters())
    assert any(p.grad is not None for p in system.denoiser.parameters())


def test_two_ranks_see_together_what_one_sees(tiny_images: object) -> None:
    def batch(rank: int, world: int):
        return tiny().attach(Setting(tiny_images, TRAIN, rank=rank, world_size=world)).batch(3)

    whole, first, second = batch(0, 1), batch(0, 2), batch(1, 2)
    for name in ("images", "label", "latent_noise", "t", "noise"):
        assert torch.equal(getattr(whole, name), torch.cat([getattr(first, name), getattr(second, name)]))


# --- sampling ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("sampler", ["ddpm", "ddim"])
def test_sampling_is_ddpms_walk_on_latents_decoded_once(tiny_images: object, sampler: str) -> None:
    system = attached(tiny_images, sampler=sampler, sampler_steps=5, guidance=2.0)
    system.latent_std.fill_(0.4)
    label, seed = torch.arange(6), torch.Generator().manual_seed(1)
    update = {"sampler": sampler, "sampler_steps": 5, "guidance": 2.0}
    reference = DDPM(system.config.denoiser().model_copy(update=update))
    reference.load_state_dict(system.denoiser.state_dict())
    latent = reference.draw(label, torch.Generator().manual_seed(1))[-1]
    with torch.no_grad():
        drawn = system.draw(label, seed, "latent")
        torch.testing.assert_close(drawn, system.autoencoder.decode(0.4 * latent))


def test_latents_are_not_clipped(tiny_images: object) -> None:
    system = attached(tiny_images, sampler_steps=5, guidance=1.0)
    far = torch.full((3, *system.config.latent_shape), 5.0)
    system.denoiser.predict = lambda x_t, t, label: system.denoiser.target(far, x_t * 0, t)  # type: ignore[method-assign]
    system.denoiser.to_data = lambda output, x_t, t: far  # type: ignore[method-assign]
    end = system.walk(torch.arange(3), torch.Generator().manual_seed(0), "latent")[-1]
    torch.testing.assert_close(end, far, atol=1e-2, rtol=0)


def test_pixel_space_is_the_parent_at_equal_steps_and_guidance(tiny_images: object) -> None:
    system = attached(tiny_images, sampler_steps=7, guidance=2.0)
    parent = system.setting.parent
    label = torch.arange(4)
    drawn = system.draw(label, torch.Generator().manual_seed(1), "pixel")
    alike = DDPM(ddpm.Config(image_size=8, width=8, n_steps=20, sampler_steps=7, guidance=2.0))
    alike.load_state_dict(parent.state_dict())
    torch.testing.assert_close(drawn, alike.draw(label, torch.Generator().manual_seed(1))[-1])
    assert drawn.abs().max() <= 1  # the parent keeps its own clipping
    assert not any(name.startswith("setting") for name in system.state_dict())


def test_a_sample_shows_the_decoded_path(tiny_images: object) -> None:
    system = attached(tiny_images, sampler_steps=5)
    with torch.no_grad():
        artifact = system.sample(SampleRequest(n=3, label=2))
    assert len(artifact.frames) == 6  # the noise and five steps
    assert all(frame.shape == (3, 1, 8, 8) for frame in artifact.frames)
    assert artifact.images is artifact.frames[-1]


def test_restored_test_images_are_judged_by_other_ones(tiny_images: object) -> None:
    system, aside = attached(tiny_images), torch.rand(6, 1, 8, 8) * 2 - 1
    scores = {"judge_frechet": 6.0, "judge_frechet_floor": 4.0, "judge_frechet_over_floor": 1.5}
    scored: list[tuple[int, bool]] = []

    def score(images: torch.Tensor, *, from_tests: bool = False) -> dict[str, float]:
        scored.append((len(images), from_tests))
        return scores

    judge = object.__new__(Judge)
    vars(judge).update(kept_aside=lambda: (aside, torch.arange(6)), score=score)
    with torch.no_grad():
        figures = system.reconstruction(judge)
    assert scored == [(6, True)]
    names = ("reconstruction_frechet", "reconstruction_floor", "reconstruction_over_floor")
    assert [figures[name] for name in names] == [6.0, 4.0, 1.5]


def test_speed_is_taken_from_both_spaces_in_turn(tiny_images: object) -> None:
    system = attached(tiny_images, sampler_steps=2)
    order: list[str] = []
    draw = system.draw
    system.draw = lambda label, seed, space: (order.append(space), draw(label, seed, space))[1]  # type: ignore[method-assign]
    with torch.no_grad():
        figures = system.speed()
    *timed, _, _ = order
    assert timed == ["latent", "pixel"] * (1 + SPEED_REPEATS)
    assert set(figures) == {"images_per_second", "pixel_images_per_second", "speedup", "fewer_operations"}
    system.config = system.config.model_copy(update={"space": "pixel"})
    with torch.no_grad():
        figures = system.speed()
    assert (figures["speedup"], figures["fewer_operations"]) == (1, 1)


def test_operations_are_those_of_the_drawing_decoder_included(tiny_images: object) -> None:
    few, many = (attached(tiny_images, sampler_steps=n) for n in (1, 3))
    with torch.no_grad():
        z = torch.zeros(1, *few.config.latent_shape)
        decoding = operations(lambda: few.decode(z))
        one, three = (
            operations(lambda s=system: s.draw(torch.arange(1), torch.Generator().manual_seed(0), "latent"))
            for system in (few, many)
        )
    assert decoding > 0
    assert one - decoding == (three - one) / 2  # a step of the walk


@pytest.mark.parametrize("patch", [2, 4])
def test_without_a_first_stage_the_same_denoiser_learns_and_draws_pixels(
    patch: int, tiny_images: object
) -> None:
    system = attached(tiny_images, first_stage="none", patch=patch, multipliers=(1,))
    ours = attached(tiny_images, multipliers=(1,))
    assert system.autoencoder is None
    assert system.autoencoder_steps == 0
    assert set(system.optimizers()) == {"denoiser"}
    assert system.denoiser.config.clip
    inner = {n for n, _ in system.denoiser.net.named_parameters()}
    assert inner == {n for n, _ in ours.denoiser.net.named_parameters()}  # but for the ends, the same network
    batch = system.batch(0)
    assert torch.equal(system.encode(batch.images, batch.latent_noise), batch.images)
    before = weights(system.denoiser)
    fit(system)
    assert not same(weights(system.denoiser), before)
    with torch.no_grad():
        drawn = system.draw(torch.arange(3), torch.Generator().manual_seed(0), "latent")
    assert drawn.shape == (3, 1, 8, 8)
    assert drawn.abs().max() <= 1


def test_the_opponents_of_the_recipe_are_the_latents_grid_on_pixels_and_an_equally_small_net() -> None:
    recipe = recipes.resolve("latent-diffusion/small")
    size = {row: parameters(variant.model) for row, variant in recipe.variants.items()}
    latent, (patches, pixels) = parameters(recipe.model), size.values()
    assert patches == pytest.approx(latent, rel=0.05)
    assert pixels == pytest.approx(latent, rel=0.05)
    grids = [variant.model["image_size"] // variant.model["patch"] for variant in recipe.variants.values()]
    assert grids == [7, 14]
    assert all(variant.train.steps == recipe.train.steps for variant in recipe.variants.values())


def test_on_patches_an_image_takes_as_many_operations_as_in_the_latent_as_the_page_says() -> None:
    recipe = recipes.resolve("latent-diffusion/small")
    work = []
    for model in (recipe.model, recipe.variants["on patches of 4 x 4 pixels"].model):
        system = LatentDiffusion(Config.model_validate(model)).eval()
        with torch.no_grad():
            drawn = lambda s=system: s.draw(torch.arange(1), torch.Generator().manual_seed(0), "latent")  # noqa: E731
            work.append(operations(drawn))
    assert work[1] == pytest.approx(work[0], rel=0.05)
    page = read_page(catalog.resolve("latent-diffusion"))
    (trained,) = (s.markdown for s in page.sections if s.title == "How it is trained")
    assert "takes as many operations, to a few in a hundred" in " ".join(trained.split())


def parameters(model: dict[str, object]) -> int:
    """Of the denoiser alone."""
    denoiser = LatentDiffusion(Config.model_validate(model)).denoiser
    return sum(p.numel() for p in denoiser.parameters())
