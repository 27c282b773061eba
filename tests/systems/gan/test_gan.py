"""The rules of the GAN's alternation, its networks, and its figures on known samples."""

from __future__ import annotations

import copy
import math

import pytest
import torch

from atlas_cli import data
from atlas_cli.data.images import ImageSource
from atlas_cli.engine import trainer
from atlas_cli.engine.build import Options
from atlas_cli.engine.system import SampleRequest
from atlas_cli.errors import UsageError
from atlas_cli.present.reporter import SilentReporter
from atlas_cli.recipe import recipes
from atlas_cli.systems.gan.gan import (
    GAN,
    Config,
    PixelNorm,
    energy_distance,
    generator_loss,
    mode_figures,
)
from tests.systems.gan.house import descent, equal, gradients, on_images, on_points, weights

# --- the alternation ---------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [0, 1])
def test_each_player_moves_alone(step: int, tiny_images: ImageSource) -> None:
    gan = on_images(tiny_images)
    batch, optimizers = gan.batch(step), gan.optimizers()
    fake = gan.generator(batch.z, batch.label)
    generator, discriminator = weights(gan.generator), weights(gan.discriminator)
    gan.discriminator_step(batch, fake.detach(), optimizers["discriminator"])
    assert equal(weights(gan.generator), generator)
    assert all(p.grad is None for p in gan.generator.parameters())
    assert not any(map(torch.equal, weights(gan.discriminator), discriminator))

    discriminator, grads = weights(gan.discriminator), gradients(gan.discriminator)
    gan.generator_step(batch, fake, optimizers["generator"])
    assert equal(weights(gan.discriminator), discriminator)
    assert equal(gradients(gan.discriminator), grads)
    assert not any(map(torch.equal, weights(gan.generator), generator))


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_generator_answers_the_discriminator_that_has_moved(
    precision: str, tiny_images: ImageSource
) -> None:
    gan = on_images(tiny_images, precision)
    batch = gan.batch(1)
    gan.step(batch, descent(gan, generator_lr=0.0))
    answered = gradients(gan.generator)
    gan.zero_grad()
    with gan.setting.autocast():
        fake_logit = gan.discriminator(gan.generator(batch.z, batch.label), batch.label)
    generator_loss(fake_logit, "non_saturating").backward()
    for a, b in zip(answered, gradients(gan.generator), strict=True):
        torch.testing.assert_close(a, b, atol=1e-7, rtol=1e-5)


def test_two_half_batches_average_to_the_whole() -> None:
    """What data parallelism relies on: losses are means over the batch, and no draw depends on the rank."""
    whole, halves = on_points(), [on_points(rank, 2) for rank in range(2)]
    for gan in (whole, *halves):
        gan.step(gan.batch(0), descent(gan, 0.0, 0.0))
    for player in ("generator", "discriminator"):
        parts = [gradients(getattr(gan, player)) for gan in halves]
        for a, b, both in zip(*parts, gradients(getattr(whole, player)), strict=True):
            torch.testing.assert_close((a + b) / 2, both, atol=1e-6, rtol=1e-5)


def test_a_step_is_a_pure_function_of_weights_and_batch(tiny_images: ImageSource) -> None:
    gan = on_images(tiny_images)
    twin = copy.deepcopy(gan)
    for system in (gan, twin):
        torch.rand(1)  # the global generator is in another place for each
        optimizers = system.optimizers()
        for step in (4, 5):
            system.step(system.batch(step), optimizers)
    assert equal(weights(gan), weights(twin))


# --- the networks ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "channels"), [(28, 1), (32, 3), (8, 1)])
@pytest.mark.parametrize("conditional", [True, False])
def test_shapes_of_every_kind_of_image(size: int, channels: int, conditional: bool) -> None:
    gan = GAN(Config(image_size=size, channels=channels, width=8, conditional=conditional))
    z, label = torch.randn(3, 32), torch.tensor([0, 4, 9]) if conditional else None
    images = gan.generator(z, label)
    assert images.shape == (3, channels, size, size)
    assert images.abs().max() <= 1
    assert gan.discriminator(images, label).shape == (3,)


def test_the_class_reaches_both_players(tiny_images: ImageSource) -> None:
    gan = on_images(tiny_images)
    z, x = torch.randn(1, 4).expand(2, 4), torch.randn(1, 1, 8, 8).expand(2, 1, 8, 8)
    images, logits = gan.generator(z, torch.tensor([0, 1])), gan.discriminator(x, torch.tensor([0, 1]))
    assert not torch.allclose(images[0], images[1])
    assert not torch.allclose(logits[0], logits[1])
    assert on_images(tiny_images, conditional=False).batch(0).label is None


def test_no_sample_depends_on_its_neighbours(tiny_images: ImageSource) -> None:
    gan = on_images(tiny_images)
    z, label = torch.randn(6, 4), torch.arange(6)
    torch.testing.assert_close(gan.generator(z, label)[:2], gan.generator(z[:2], label[:2]))


@pytest.mark.parametrize("shape", [(5, 16), (5, 16, 7, 7)])
def test_pixel_norm_gives_mean_square_one_and_forgets_the_scale(shape: tuple[int, ...]) -> None:
    x = torch.randn(shape) * 3
    out = PixelNorm()(x)
    torch.testing.assert_close(out.square().mean(1), torch.ones_like(out[:, 0]))
    torch.testing.assert_close(PixelNorm()(100 * x), out)


# --- the figures -------------------------------------------------------------------------------------


def test_real_points_find_every_mode() -> None:
    source = data.load({"name": "modes25"})
    figures = mode_figures(source.held_out(2_500), source.modes, source.std)
    assert figures["modes_found"] == 25
    assert figures["high_quality_share"] == pytest.approx(1 - math.exp(-9 / 2), abs=0.01)


def test_a_mode_is_found_from_a_tenth_of_an_even_share() -> None:
    modes = torch.tensor([[0.0, 0.0], [10.0, 0.0]])
    for n_second, found in ((4, 1), (5, 2)):  # of 100 points, an even share is 50
        points = torch.cat([modes[:1].expand(100 - n_second, 2), modes[1:].expand(n_second, 2)])
        assert mode_figures(points, modes, 0.1) == {"modes_found": found, "high_quality_share": 1}
    near, far = torch.tensor([[0.29, 0.0]]), torch.tensor([[0.31, 0.0]])  # three standard deviations
    assert mode_figures(torch.cat([near, far]), modes, 0.1)["high_quality_share"] == 0.5


def test_energy_distance_of_two_points_is_twice_their_distance() -> None:
    a, b = torch.zeros(10, 2), torch.tensor([[3.0, 4.0]]).expand(10, 2)
    assert energy_distance(a, b) == pytest.approx(10)
    x = torch.randn(2_000, 2)
    assert energy_distance(x[:1_000], x[1_000:]) == pytest.approx(0, abs=0.01)


def test_a_confident_discriminator_starves_only_the_saturating_loss(tiny_images: ImageSource) -> None:
    kept, starved = (on_images(tiny_images, width=16, loss=kind) for kind in ("non_saturating", "saturating"))
    state = torch.get_rng_state()
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        factor = kept.early_gradient() / starved.early_gradient()
    assert factor > 10
    assert torch.equal(torch.get_rng_state(), state)
    # For every fake alike, the factor is (1 - D) / D.
    fake_logit = torch.full((8,), -5.0, requires_grad=True)
    slopes = [
        torch.autograd.grad(generator_loss(fake_logit, kind), fake_logit)[0].norm()
        for kind in ("non_saturating", "saturating")
    ]  # fmt: skip
    assert (slopes[0] / slopes[1]).item() == pytest.approx(math.exp(5.0), rel=1e-4)


def test_points_are_judged_by_modes_and_shown_on_real_ones() -> None:
    gan = on_points().eval()
    with torch.no_grad():
        figures, shown = gan.evaluate(), gan.sample(SampleRequest(n=7, seed=3))
    assert set(figures) == {
        "modes_found", "high_quality_share", "energy_distance", "wasserstein_distance", "early_gradient",
    }  # fmt: skip
    assert all(math.isfinite(value) for value in figures.values())
    assert shown.points is not None
    assert shown.points.shape == (7, 2)
    assert (shown.frames[-1] == shown.points).all()
    assert (shown.frames[0] != shown.points).all()
    assert shown.backdrop is not None


def test_images_are_shown_in_zero_to_one_of_the_class_asked_for(tiny_images: ImageSource) -> None:
    gan = on_images(tiny_images).eval()
    with torch.no_grad():
        every, one = gan.sample(SampleRequest(n=11)), gan.sample(SampleRequest(n=11, label=0))
    assert every.images is not None
    assert one.images is not None
    assert 0 <= every.images.min() <= every.images.max() <= 1
    assert (every.images[[0, 10]] == one.images[[0, 10]]).all()  # classes in turn: 0 .. 9, 0
    assert not (every.images[1] == one.images[1]).all()


def test_a_class_that_the_generator_does_not_know_is_refused(tiny_images: ImageSource) -> None:
    for gan, label in ((on_images(tiny_images), 10), (on_points(), 0)):
        with pytest.raises(UsageError):
            gan.sample(SampleRequest(label=label))


@pytest.mark.learn
@pytest.mark.parametrize("recipe", ["gan/modes", "gan/small"])
def test_the_recipe_reaches_its_bars(recipe: str, tmp_path) -> None:
    outcome = trainer.execute(recipes.resolve(recipe), Options(out=tmp_path), SilentReporter())
    assert outcome.met, outcome.verdicts


@pytest.mark.parametrize("recipe", ["ci", "modes", "small"])
def test_a_recipe_is_held_to_figures_of_its_own_trainings(recipe: str) -> None:
    """The early gradient is that of fresh networks: whatever is trained, its ratio is the same."""
    expected = recipes.resolve(f"gan/{recipe}").expect
    assert expected
    assert not any(metric.startswith("early_gradient") for metric in expected)


def test_the_loss_of_the_min_max_game_is_trained_to_the_end_beside_the_other() -> None:
    recipe = recipes.resolve("gan/small")
    assert recipe.vary == {"loss=saturating": {"loss": "saturating"}}
    assert recipe.trains_anew({"loss": "saturating"})


def test_a_cloud_is_shown_in_a_thousand_points_and_images_in_a_row() -> None:
    points, images = GAN(Config(dim=2, z_dim=2)), GAN(Config())
    assert points.samples_shown() == 1000
    assert images.samples_shown() == GAN.sample_count
