"""Patches found by gradients, the objective against closed forms, and figures on known images."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn

from atlas_cli.data.images import ImageSource
from atlas_cli.engine import trainer
from atlas_cli.engine.build import Options
from atlas_cli.engine.system import SampleRequest, Setting
from atlas_cli.explorables.gan.patchgan import field
from atlas_cli.metrics.edges import edge_map
from atlas_cli.metrics.judge import Judge, JudgeNet
from atlas_cli.present.reporter import SilentReporter
from atlas_cli.recipe import recipes
from atlas_cli.recipe.recipes import TrainConfig
from atlas_cli.systems.gan.patchgan import (
    STRIDED,
    Config,
    Generator,
    PatchDiscriminator,
    PatchGAN,
    chalked,
    sharpness,
)

FIELDS = [1, 7, 16, 34, 70]


def patchgan(source: ImageSource, **fields: object) -> PatchGAN:
    torch.manual_seed(0)
    train = TrainConfig(steps=5, batch_size=8, lr=1e-2, betas=(0.0, 0.99))
    config = Config(**{"image_size": 8, "width": 4, "patch_width": 4} | fields)
    system = PatchGAN(config).attach(Setting(source, train))
    assert isinstance(system, PatchGAN)
    return system


# --- patches -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", FIELDS)
def test_a_logit_sees_a_square_of_its_receptive_field_and_nothing_else(side: int) -> None:
    torch.manual_seed(0)
    net = PatchDiscriminator(Config(image_size=160, receptive_field=side, patch_width=2))
    edges, image = (torch.randn(1, 1, 160, 160, requires_grad=True) for _ in range(2))
    logits = net(edges, image)
    middle = logits.shape[1] // 2
    for slope in torch.autograd.grad(logits[0, middle, middle], (edges, image)):
        rows, columns = (slope[0, 0].abs().sum(axis).nonzero().squeeze(1) for axis in (1, 0))
        assert len(rows) == len(columns) == side
        assert (rows.max() - rows.min() + 1, columns.max() - columns.min() + 1) == (side, side)


def test_the_explorable_reckons_the_same_fields() -> None:
    assert {
        side: strided for side in FIELDS for strided in range(4) if field(strided, 4)[0] == side
    } == STRIDED


@pytest.mark.parametrize(("side", "opinions"), [(1, 28), (7, 26), (16, 12), (34, 5), (70, 1)])
def test_how_many_opinions_a_digit_gets(side: int, opinions: int) -> None:
    net = PatchDiscriminator(Config(receptive_field=side))
    assert net(torch.zeros(2, 1, 28, 28), torch.zeros(2, 1, 28, 28)).shape == (2, opinions, opinions)


def test_an_image_moved_by_a_stride_has_its_opinions_moved_by_one() -> None:
    """Nothing tells one patch from another, away from the border."""
    net = PatchDiscriminator(Config(receptive_field=16, image_size=64))
    edges, image = torch.randn(1, 1, 64, 64), torch.randn(1, 1, 64, 64)
    there, moved = net(edges, image), net(edges.roll(2, -1), image.roll(2, -1))
    torch.testing.assert_close(moved[..., 4:-4, 5:-4], there[..., 4:-4, 4:-5], atol=1e-5, rtol=1e-5)


# --- chalk -------------------------------------------------------------------------------------------


def test_chalk_keeps_a_share_of_the_ink_that_is_uniform_whatever_the_digit() -> None:
    page = torch.ones(40, 1, 28, 28)
    kept = (chalked(page, torch.randn(40, 1, 30, 30), 0.9) + 1) / 2
    assert kept.min() > 0.1 - 1e-6
    assert kept.max() < 1 + 1e-6
    shares = torch.histc(kept, 9, 0.1, 1.0) / kept.numel()
    torch.testing.assert_close(shares, torch.full((9,), 1 / 9), atol=0.015, rtol=0)
    empty = torch.full((1, 1, 28, 28), -1.0)
    assert torch.equal(chalked(empty, torch.randn(1, 1, 30, 30), 0.9), empty)
    grey = torch.zeros(1, 1, 28, 28)
    torch.testing.assert_close(chalked(grey, torch.randn(1, 1, 30, 30), 0.0), grey)


def test_neighbouring_grains_are_alike_and_distant_ones_are_not() -> None:
    """Weights 1 2 1 both ways: a neighbour shares (4/6), the next 1/6, the third none of the variance."""
    torch.manual_seed(0)
    kept = chalked(torch.ones(200, 1, 28, 28), torch.randn(200, 1, 30, 30), 1.0)
    ranked = torch.special.ndtri(((kept + 1) / 2).clamp(1e-6, 1 - 1e-6))  # normal again
    for apart, expected in ((1, 4 / 6), (2, 1 / 6), (3, 0.0)):
        product = (ranked[..., apart:] * ranked[..., :-apart]).mean() / ranked.square().mean()
        assert product.item() == pytest.approx(expected, abs=0.02)


def test_the_median_of_chalk_is_ink_less_half_of_the_largest_share() -> None:
    ink = torch.linspace(-1, 1, 28).expand(1, 1, 28, 28)
    many = chalked(ink.expand(4_000, -1, -1, -1), torch.randn(4_000, 1, 30, 30), 0.8)
    torch.testing.assert_close(many.median(0).values, ((ink + 1) * 0.6 - 1)[0], atol=0.06, rtol=0)


def test_the_edges_are_those_of_the_ink_and_tell_nothing_of_the_grain(tiny_images: ImageSource) -> None:
    system = patchgan(tiny_images, grain=0.9)
    batch, plain = system.batch(3), patchgan(tiny_images, grain=0.0).batch(3)
    assert torch.equal(batch.edges, edge_map(plain.image))
    assert torch.equal(batch.edges, plain.edges)
    assert (batch.image <= plain.image + 1e-6).all()
    assert (batch.image < plain.image - 0.1).any()


def test_the_source_of_the_judge_is_the_data_in_chalk(tiny_images: ImageSource) -> None:
    chalk, again = (patchgan(tiny_images).chalk_source() for _ in range(2))
    assert chalk.checksum == again.checksum != tiny_images.checksum
    assert torch.equal(chalk.test_labels, tiny_images.test_labels)
    assert (chalk.test_images <= tiny_images.test_images).all()
    plain = patchgan(tiny_images, grain=0.0).chalk_source()
    assert torch.equal(plain.train_images, tiny_images.train_images)
    assert chalk.name != plain.name


# --- the objective -----------------------------------------------------------------------------------


def test_the_generators_loss_is_l1_and_the_mean_verdict_of_its_patches(tiny_images: ImageSource) -> None:
    """Eq. 4: of a discriminator that says the same of each patch, -log D + lambda |y - G|."""
    system = patchgan(tiny_images, l1_weight=10.0, adversarial_weight=2.0)
    for parameter in system.discriminator.parameters():
        nn.init.zeros_(parameter)
    nn.init.constant_(system.discriminator.body[-1].bias, math.log(3))  # D = 3/4
    batch = system.batch(0)
    loss, l1 = system.translation_loss(batch, batch.image + 0.25)
    assert l1.item() == pytest.approx(0.25)
    assert loss.item() == pytest.approx(10 * 0.25 - 2 * math.log(0.75), rel=1e-5)
    alone, _ = patchgan(tiny_images, adversarial_weight=0.0).translation_loss(batch, batch.image - 0.5)
    assert alone.item() == pytest.approx(5)


def test_l1_settles_on_the_median_and_squares_on_the_mean() -> None:
    """What the page says of three pixels: 0, 0 and 1."""
    for power, best in ((1, 0.0), (2, 1 / 3)):
        guess = torch.tensor(0.9, requires_grad=True)
        optimizer = torch.optim.SGD([guess], lr=0.01)
        for _ in range(2_000):
            optimizer.zero_grad()
            (guess - torch.tensor([0.0, 0.0, 1.0])).abs().pow(power).mean().backward()
            optimizer.step()
        assert guess.item() == pytest.approx(best, abs=0.01)


def test_each_player_moves_alone_and_l1_alone_moves_no_discriminator(tiny_images: ImageSource) -> None:
    system = patchgan(tiny_images)
    batch, optimizers = system.batch(0), system.optimizers()
    fake = system.generator(batch.edges, batch.noise)
    players = [list(net.parameters()) for net in (system.generator, system.discriminator)]
    drawn, judged = ([p.detach().clone() for p in player] for player in players)
    system.discriminator_step(batch, fake.detach(), optimizers["discriminator"])
    assert all(map(torch.equal, players[0], drawn))
    assert not any(map(torch.equal, players[1], judged))
    judged = [p.detach().clone() for p in players[1]]
    system.generator_step(batch, fake, optimizers["generator"])
    assert all(map(torch.equal, players[1], judged))
    assert not any(map(torch.equal, players[0], drawn))

    alone = patchgan(tiny_images, adversarial_weight=0.0)
    before = [p.detach().clone() for p in alone.discriminator.parameters()]
    assert set(alone.step(alone.batch(0), alone.optimizers())) == {"generator_loss", "loss"}
    assert all(map(torch.equal, alone.discriminator.parameters(), before))


def test_pixels_that_are_all_beyond_empty_paper_are_brought_back_by_l1(tiny_images: ImageSource) -> None:
    """A tanh, or a clamp with its own gradient, would leave them where they are."""
    system = patchgan(tiny_images, adversarial_weight=0.0, grain=0.0)
    torch.nn.init.constant_(system.generator.out[1].bias, -40.0)
    batch = system.batch(0)
    fake = system.generator(batch.edges, batch.noise)
    assert torch.equal(fake, torch.full_like(fake, -1.0))
    system.translation_loss(batch, fake)[0].backward()
    slope = system.generator.out[1].bias.grad
    ink = (batch.image > -1).float().mean()
    torch.testing.assert_close(slope, -system.config.l1_weight * ink.reshape(1))


def test_the_generators_skips_carry_every_pixel_of_the_edges() -> None:
    """A pixel of the edges reaches its own place in the image by the skip alone, the middle being cut."""
    net = Generator(Config(width=4))
    for parameter in net.middle.parameters():
        nn.init.zeros_(parameter)
    edges = torch.zeros(1, 1, 28, 28, requires_grad=True)
    image = net(edges, torch.randn(1, 1, 28, 28))
    (slope,) = torch.autograd.grad(image[0, 0, 13, 9], edges)
    assert slope[0, 0, 13, 9] != 0


# --- figures and samples -----------------------------------------------------------------------------


def test_sharpness_is_the_share_of_the_real_gradient_energy() -> None:
    step = torch.full((2, 1, 8, 8), -1.0)
    step[..., 4:] = 1
    assert sharpness(step, step) == 1
    assert sharpness(step / 2, step) == pytest.approx(0.25)
    blurred = F.avg_pool2d(F.pad(step, [1] * 4, mode="replicate"), 3, stride=1)
    assert sharpness(blurred, step) < 0.7


def test_what_is_measured_of_a_generator_that_is_perfect(
    tiny_images: ImageSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = patchgan(tiny_images).eval()
    judge = Judge(JudgeNet(1, 8, 10), system.chalk_source())
    monkeypatch.setattr(Judge, "load_or_train", lambda source, _: judge)
    given: list[torch.Tensor] = []

    def translate(self: PatchGAN, edges: torch.Tensor, _: torch.Generator) -> torch.Tensor:
        given.append(edges)
        return judge.kept_aside()[0]

    monkeypatch.setattr(PatchGAN, "translate", translate)
    with torch.no_grad():
        figures = system.evaluate()
    ink, _ = Judge(judge.net, tiny_images).kept_aside()
    assert torch.equal(given[0], edge_map(ink))
    assert (judge.kept_aside()[0] <= ink + 1e-2).all()  # the same digits, with less ink
    assert figures["sharpness"] == 1
    assert figures["sharpness_missed"] == figures["l1_distance"] == figures["noise_effect"] == 0
    assert figures["class_accuracy"] == figures["readable"]
    assert figures["chalk_effect"] > 0
    assert figures["thickened_sharpness"] > 0
    assert 0 < figures["median_sharpness"] < 1


def test_rows_begin_with_their_edges(tiny_images: ImageSource) -> None:
    system = patchgan(tiny_images).eval()
    with torch.no_grad():
        sheet = system.sample(SampleRequest(n=8, seed=1))
        again = system.sample(SampleRequest(n=8, seed=1))
        labelled = system.sample(SampleRequest(n=4, label=3))
    assert sheet.columns == 5
    assert sheet.images.shape == (10, 1, 8, 8)
    assert set(np.unique(sheet.images[[0, 5]])) <= {0.0, 1.0}
    assert (sheet.images == again.images).all()
    assert (sheet.images[1] != sheet.images[2]).any()  # another noise
    found = [edge_map(image[None])[0] for image, label in zip(*tiny_images.test(), strict=True) if label == 3]
    assert any((labelled.images[0] == lines.numpy()).all() for lines in found)


def test_a_users_drawing_is_translated(tiny_images: ImageSource, tmp_path: Path) -> None:
    drawn = np.full((8, 8), 255, np.uint8)
    drawn[2:6, 3:5] = 0
    Image.fromarray(drawn).save(tmp_path / "mine.png")
    system = patchgan(tiny_images).eval()
    with torch.no_grad():
        sheet = system.sample(SampleRequest(n=2, extras={"control": tmp_path / "mine.png"}))
    ink = torch.full((1, 1, 8, 8), -1.0)
    ink[..., 2:6, 3:5] = 1
    assert (sheet.images[0] == edge_map(ink)[0].numpy()).all()


@pytest.mark.learn
def test_the_recipe_reaches_its_bars(tmp_path: Path) -> None:
    outcome = trainer.execute(recipes.resolve("patchgan/small"), Options(out=tmp_path), SilentReporter())
    assert outcome.met, outcome.verdicts
