"""The GAN's losses against closed forms, the rules of the alternation, and its figures on known samples."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from atlas_cli import data
from atlas_cli.data.images import ImageSource
from atlas_cli.engine import trainer
from atlas_cli.engine.build import Options
from atlas_cli.engine.system import SampleRequest, Setting
from atlas_cli.errors import UsageError
from atlas_cli.present.reporter import SilentReporter
from atlas_cli.recipe import recipes
from atlas_cli.recipe.recipes import TrainConfig
from atlas_cli.systems.gan.gan import (
    GAN,
    Batch,
    Config,
    PixelNorm,
    discriminator_loss,
    energy_distance,
    generator_loss,
    mode_figures,
)

TRAIN = TrainConfig(steps=4, batch_size=8, lr=1e-2, betas=(0.0, 0.99))


def on_points(rank: int = 0, world_size: int = 1, **fields: object) -> GAN:
    torch.manual_seed(0)
    gan = GAN(Config(**{"dim": 2, "z_dim": 2, "width": 8, **fields}))
    gan.attach(Setting(data.load({"name": "modes25"}), TRAIN, rank=rank, world_size=world_size))
    return gan


def on_images(source: ImageSource, precision: str = "fp32", **fields: object) -> GAN:
    torch.manual_seed(0)
    gan = GAN(Config(**{"image_size": 8, "width": 8, "z_dim": 4, **fields}))
    gan.attach(Setting(source, TRAIN.model_copy(update={"precision": precision})))
    return gan


def descent(gan: GAN, discriminator_lr: float = 1.0, generator_lr: float = 1.0) -> dict:
    """Plain gradient descent, whose moves show the gradients."""
    return {
        "discriminator": torch.optim.SGD(gan.discriminator.parameters(), lr=discriminator_lr),
        "generator": torch.optim.SGD(gan.generator.parameters(), lr=generator_lr),
    }


def weights(module: nn.Module) -> list[torch.Tensor]:
    return [p.detach().clone() for p in module.parameters()]


def gradients(module: nn.Module) -> list[torch.Tensor]:
    return [p.grad.clone() for p in module.parameters()]  # type: ignore[union-attr]


def equal(a: list[torch.Tensor], b: list[torch.Tensor]) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


# --- the losses --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("p", "q"), [([2, 3, 5], [2, 3, 5]), ([1, 4, 5], [6, 3, 1]), ([1, 1, 8], [8, 1, 1])])
def test_the_best_discriminator_is_p_over_p_plus_q_and_measures_jensen_shannon(
    p: list[int], q: list[int]
) -> None:
    """D* = p / (p + q) (proposition 1), where the value is -log 4 + 2 JS(p, q) (theorem 1)."""
    real, fake = (torch.repeat_interleave(torch.arange(3), torch.tensor(n)) for n in (p, q))
    p_x, q_x = torch.tensor(p).double() / 10, torch.tensor(q).double() / 10
    best = (p_x / (p_x + q_x)).logit().requires_grad_(True)
    loss = discriminator_loss(best[real], best[fake])
    m = (p_x + q_x) / 2
    divergence = ((p_x * (p_x / m).log()).sum() + (q_x * (q_x / m).log()).sum()) / 2
    torch.testing.assert_close(-loss.detach(), 2 * divergence - math.log(4))
    (slope,) = torch.autograd.grad(loss, best)
    torch.testing.assert_close(slope, torch.zeros(3).double(), atol=1e-12, rtol=0)


def test_the_discriminator_descends_binary_cross_entropy() -> None:
    real, fake = torch.randn(64) * 5, torch.randn(64) * 5
    cross_entropy = F.binary_cross_entropy_with_logits
    expected = cross_entropy(real, torch.ones(64)) + cross_entropy(fake, torch.zeros(64))
    torch.testing.assert_close(discriminator_loss(real, fake), expected)


def test_the_slopes_of_the_generator_losses_by_the_logit() -> None:
    """-D for log(1 - D), D - 1 for -log D: both pull up, and where D = 0 only the second pulls."""
    logit = torch.linspace(-30, 30, 61, dtype=torch.float64, requires_grad=True)
    d = logit.detach().sigmoid()
    (saturating,) = torch.autograd.grad(generator_loss(logit, "saturating") * 61, logit)
    (non_saturating,) = torch.autograd.grad(generator_loss(logit, "non_saturating") * 61, logit)
    torch.testing.assert_close(saturating, -d, atol=1e-12, rtol=0)
    torch.testing.assert_close(non_saturating, d - 1, atol=1e-12, rtol=0)
    assert saturating[0].abs() < 1e-12
    assert non_saturating[0] < -1 + 1e-12


def test_the_generator_losses_are_log_1_minus_d_and_minus_log_d() -> None:
    logit = torch.randn(64, dtype=torch.float64)
    d = logit.sigmoid()
    torch.testing.assert_close(generator_loss(logit, "saturating"), (1 - d).log().mean())
    torch.testing.assert_close(generator_loss(logit, "non_saturating"), -d.log().mean())


# --- R1 ----------------------------------------------------------------------------------------------


class Quadratic(nn.Module):
    """D(x) = w x + x' A x / 2 for a symmetric A, of slope w + A x."""

    def __init__(self, curved: bool) -> None:
        super().__init__()
        a = torch.randn(2, 2) * curved
        self.w, self.a = nn.Parameter(torch.tensor([3.0, -4.0])), nn.Parameter(a + a.T)

    def forward(self, x: torch.Tensor, label: None) -> torch.Tensor:
        return x @ self.w + (x @ self.a * x).sum(1) / 2


@pytest.mark.parametrize("curved", [False, True])
def test_r1_of_a_quadratic_discriminator_has_a_closed_form(curved: bool) -> None:
    gan = on_points(r1_gamma=0.6)
    gan.discriminator = Quadratic(curved)  # type: ignore[assignment]
    x = torch.randn(16, 2)
    penalty = gan.r1(x, None)
    slope = (gan.discriminator.w + x @ gan.discriminator.a).detach()
    torch.testing.assert_close(penalty.detach(), 0.3 * slope.square().sum(1).mean())
    if not curved:
        assert penalty.item() == pytest.approx(0.3 * 25)  # gamma/2 |w|^2
    penalty.backward()
    torch.testing.assert_close(gan.discriminator.w.grad, 0.6 * slope.mean(0))
    assert not x.requires_grad


def test_r1_and_its_gradient_are_float32_in_a_run_in_bf16(tiny_images: ImageSource) -> None:
    """Of two steps, one with the penalty, the difference is the gradient of R1 as float32 gives it."""
    moves = {}
    for gamma in (0.0, 0.5):
        gan = on_images(tiny_images, "bf16", r1_gamma=gamma, r1_every=1)
        batch = gan.batch(0)
        fake = gan.generator(batch.z, batch.label).detach()
        gan.discriminator_step(batch, fake, descent(gan, 0.0)["discriminator"])
        moves[gamma] = gradients(gan.discriminator)
    exact = on_images(tiny_images, r1_gamma=0.5)
    slopes = torch.autograd.grad(
        exact.r1(batch.real, batch.label), list(exact.discriminator.parameters()), materialize_grads=True
    )
    for without, penalised, slope in zip(moves[0.0], moves[0.5], slopes, strict=True):
        torch.testing.assert_close(penalised - without, slope, atol=1e-6, rtol=1e-5)


def test_r1_is_charged_at_every_fourth_step_for_four() -> None:
    moves = {}
    for step in (3, 4):
        gan = on_points(r1_gamma=2.0, r1_every=4)
        before, batch = weights(gan.discriminator), gan.batch(0)
        batch = Batch(step, batch.real, batch.label, batch.z)
        gan.discriminator_step(batch, gan.generator(batch.z, None).detach(), descent(gan)["discriminator"])
        moves[step] = [b - a for a, b in zip(before, weights(gan.discriminator), strict=True)]
    gan = on_points(r1_gamma=2.0)
    parameters = list(gan.discriminator.parameters())
    slopes = torch.autograd.grad(gan.r1(batch.real, None), parameters, materialize_grads=True)
    for without, charged, slope in zip(moves[3], moves[4], slopes, strict=True):
        torch.testing.assert_close(charged - without, -4 * slope, atol=1e-6, rtol=1e-4)


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
    assert set(figures) == {"modes_found", "high_quality_share", "energy_distance", "early_gradient"}
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


def test_a_cloud_is_shown_in_a_thousand_points_and_images_in_a_row() -> None:
    points, images = GAN(Config(dim=2, z_dim=2)), GAN(Config())
    assert points.samples_shown() == 1000
    assert images.samples_shown() == GAN.sample_count
