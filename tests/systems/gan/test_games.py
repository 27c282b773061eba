"""Every game's losses and penalties against closed forms, and how their settings move the players."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from atlas_cli import data
from atlas_cli.data.images import ImageSource
from atlas_cli.systems.gan.games import (
    critic_objective,
    generator_objective,
    gradient_penalty,
    squared_slope,
)
from tests.systems.gan.house import descent, equal, gradients, on_images, on_points, weights

GAMES = ("non_saturating", "saturating", "hinge", "wasserstein", "relativistic")
N = 61


def slopes_of(loss: torch.Tensor, *logits: torch.Tensor) -> list[torch.Tensor]:
    """Of the mean over N, by each logit of one sample."""
    return [N * slope for slope in torch.autograd.grad(loss, logits)]


@pytest.fixture
def logits() -> tuple[torch.Tensor, torch.Tensor]:
    real = torch.linspace(-8.1, 8.1, N, dtype=torch.float64, requires_grad=True)
    fake = (2 * torch.linspace(4.03, -4.03, N, dtype=torch.float64)).requires_grad_()
    return real, fake


@pytest.mark.parametrize("kind", GAMES)
def test_the_slopes_of_the_discriminator_s_loss(kind: str, logits: tuple[torch.Tensor, torch.Tensor]) -> None:
    real, fake = logits
    a, b = real.detach(), fake.detach()
    expected = {
        "hinge": (-(a < 1).double(), (b > -1).double()),
        "wasserstein": (torch.full_like(a, -1), torch.full_like(b, 1)),
        "relativistic": (-(b - a).sigmoid(), (b - a).sigmoid()),
    }.get(kind, (a.sigmoid() - 1, b.sigmoid()))
    for got, wanted in zip(slopes_of(critic_objective(kind, real, fake), real, fake), expected, strict=True):
        torch.testing.assert_close(got, wanted, atol=1e-12, rtol=0)


@pytest.mark.parametrize("kind", GAMES)
def test_the_slopes_of_the_generator_s_loss(kind: str, logits: tuple[torch.Tensor, torch.Tensor]) -> None:
    real, fake = logits
    a, b = real.detach(), fake.detach()
    expected = {
        "non_saturating": b.sigmoid() - 1,
        "saturating": -b.sigmoid(),
        "relativistic": -(a - b).sigmoid(),
    }.get(kind, torch.full_like(b, -1))
    (got,) = slopes_of(generator_objective(kind, real, fake), fake)
    torch.testing.assert_close(got, expected, atol=1e-12, rtol=0)


@pytest.mark.parametrize(
    ("kind", "loss"),
    [
        ("non_saturating", 2 * math.log(2)),
        ("hinge", 2.0),
        ("wasserstein", 0.0),
        ("relativistic", math.log(2)),
    ],
)
def test_what_a_discriminator_pays_that_cannot_tell(kind: str, loss: float) -> None:
    assert critic_objective(kind, torch.zeros(4), torch.zeros(4)).item() == pytest.approx(loss)


def test_only_a_difference_of_logits_counts_in_the_relativistic_and_the_wasserstein_game() -> None:
    real, fake = torch.randn(2, 8)
    for kind in ("relativistic", "wasserstein"):
        shifted = critic_objective(kind, real + 5, fake + 5)
        torch.testing.assert_close(critic_objective(kind, real, fake), shifted, atol=1e-5, rtol=0)
    shifted = critic_objective("non_saturating", real + 5, fake + 5)
    assert not torch.isclose(critic_objective("non_saturating", real, fake), shifted)


# --- penalties ---------------------------------------------------------------------------------------


class Linear(nn.Module):
    """A critic w x, whose slope is w everywhere, of length 5."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.tensor([3.0, -4.0]))

    def forward(self, x: torch.Tensor, label: None) -> torch.Tensor:
        return x @ self.w


class Bowl(nn.Module):
    """A critic |x|^2 / 2, of slope x."""

    def forward(self, x: torch.Tensor, label: None) -> torch.Tensor:
        return x.square().sum(1) / 2


def test_r1_and_r2_of_a_linear_critic_are_half_gamma_times_its_squared_length() -> None:
    critic = Linear()
    penalty = squared_slope(critic, torch.randn(16, 2), None, gamma=0.6)
    assert penalty.item() == pytest.approx(0.3 * 25)
    penalty.backward()
    torch.testing.assert_close(critic.w.grad, 0.6 * critic.w.detach())


def test_wgan_gp_of_a_linear_critic_is_its_length_less_one_squared() -> None:
    critic = Linear()
    penalty = gradient_penalty(critic, torch.randn(16, 2), torch.randn(16, 2), torch.rand(16), None, 10.0)
    assert penalty.item() == pytest.approx(10 * (5 - 1) ** 2, rel=1e-5)
    penalty.backward()
    torch.testing.assert_close(critic.w.grad, 10 * 2 * (5 - 1) * critic.w.detach() / 5)


def test_wgan_gp_looks_on_the_line_from_a_fake_to_the_real_sample_beside_it() -> None:
    real, fake, mix = torch.tensor([[4.0, 0.0]]), torch.tensor([[0.0, 2.0]]), torch.tensor([0.25])
    met = torch.tensor([1.0, 1.5])  # a quarter of the way
    penalty = gradient_penalty(Bowl(), real, fake, mix, None, 1.0)
    assert penalty.item() == pytest.approx((met.norm().item() - 1) ** 2, rel=1e-5)


def test_a_step_pays_r2_for_the_slope_at_its_fakes_for_four() -> None:
    gan = on_points(r1_gamma=0.0, r2_gamma=0.6, r1_every=4)
    gan.discriminator = Bowl()  # type: ignore[assignment]
    batch, fake = gan.batch(4), torch.randn(8, 2)
    assert gan.penalty(batch, fake).item() == pytest.approx(4 * 0.3 * fake.square().sum(1).mean().item())
    assert gan.penalty(gan.batch(5), fake).item() == 0


def test_a_step_pays_wgan_gp_every_time_at_the_places_of_its_batch() -> None:
    gan = on_points(r1_gamma=0.0, gp_weight=10.0, loss="wasserstein")
    gan.discriminator = Bowl()  # type: ignore[assignment]
    batch, fake = gan.batch(5), torch.randn(8, 2)
    assert batch.mix is not None
    met = batch.mix[:, None] * batch.real + (1 - batch.mix[:, None]) * fake
    expected = 10 * (met.norm(dim=1) - 1).square().mean()
    torch.testing.assert_close(gan.penalty(batch, fake), expected)


# --- the settings ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", GAMES)
def test_every_game_moves_both_players(kind: str, tiny_images: ImageSource) -> None:
    gan = on_images(tiny_images, loss=kind, r2_gamma=0.1, gp_weight=1.0)
    before = weights(gan.generator), weights(gan.discriminator)
    gan.step(gan.batch(0), gan.optimizers())
    for player, was in zip((gan.generator, gan.discriminator), before, strict=True):
        assert not equal(weights(player), was)
        assert all(p.isfinite().all() for p in player.parameters())


def test_the_generator_of_the_relativistic_game_answers_real_data_too() -> None:
    gan = on_points(loss="relativistic", r1_gamma=0.0)
    batch = gan.batch(0)
    gan.step(batch, descent(gan, generator_lr=0.0))
    answered = gradients(gan.generator)
    gan.zero_grad()
    real, fake = gan.discriminator(batch.real, None), gan.discriminator(gan.generator(batch.z, None), None)
    (-torch.nn.functional.logsigmoid(fake - real).mean()).backward()
    for a, b in zip(answered, gradients(gan.generator), strict=True):
        torch.testing.assert_close(a, b, atol=1e-7, rtol=1e-5)


def test_each_step_of_the_critic_has_data_of_its_own() -> None:
    gan, one = on_points(critic_steps=3, gp_weight=1.0), on_points(gp_weight=1.0)
    batch = gan.batch(2)
    assert len(batch.more) == 2
    drawn = [batch, *batch.more]
    for a, b in ((0, 1), (0, 2), (1, 2)):
        for name in ("real", "z", "mix"):
            assert not torch.equal(getattr(drawn[a], name), getattr(drawn[b], name))
    assert torch.equal(batch.real, one.batch(2).real)  # more steps leave the last one's draws as they were
    assert gan.items_per_step() == 3 * one.items_per_step()


def test_several_steps_of_the_critic_are_taken_one_after_the_other() -> None:
    gan, by_hand = on_points(critic_steps=2), on_points(critic_steps=2)
    batch = gan.batch(1)
    gan.step(batch, descent(gan, 0.1, 0.1))
    moves = descent(by_hand, 0.1, 0.1)
    for part in (*batch.more, batch):
        with torch.no_grad():
            drawn = by_hand.generator(part.z, None)
        by_hand.discriminator_step(part, drawn, moves["discriminator"])
    assert equal(weights(gan.discriminator), weights(by_hand.discriminator))


def test_a_gradient_penalty_takes_no_draw_from_a_game_without_it() -> None:
    plain, priced = on_points().batch(3), on_points(gp_weight=10.0).batch(3)
    assert plain.mix is None
    assert torch.equal(plain.real, priced.real)
    assert torch.equal(plain.z, priced.z)


def test_half_batches_of_wgan_gp_average_to_the_whole() -> None:
    settings = {"loss": "wasserstein", "r1_gamma": 0.0, "gp_weight": 10.0, "critic_steps": 2}
    whole, *halves = on_points(**settings), *(on_points(rank, 2, **settings) for rank in range(2))
    for gan in (whole, *halves):
        gan.step(gan.batch(0), descent(gan, 0.0, 0.0))
    for player in ("generator", "discriminator"):
        parts = [gradients(getattr(gan, player)) for gan in halves]
        for a, b, both in zip(*parts, gradients(getattr(whole, player)), strict=True):
            torch.testing.assert_close((a + b) / 2, both, atol=1e-5, rtol=1e-4)


# --- the nets of 2014 --------------------------------------------------------------------------------


@pytest.mark.parametrize("conditional", [True, False])
def test_plain_nets_know_no_neighbours_and_have_about_as_many_weights(conditional: bool) -> None:
    nets = [on_shape(nets, conditional) for nets in ("plain", "convolutional")]
    sizes = [sum(p.numel() for p in gan.parameters()) for gan in nets]
    assert 0.9 < sizes[0] / sizes[1] < 1.1
    assert not any(isinstance(m, nn.Conv2d) for m in nets[0].modules())
    z, label = torch.randn(3, 32), torch.tensor([0, 4, 9]) if conditional else None
    images = nets[0].generator(z, label)
    assert images.shape == (3, 1, 28, 28)
    assert images.abs().max() <= 1
    assert nets[0].discriminator(images, label).shape == (3,)


def on_shape(nets: str, conditional: bool):
    from atlas_cli.systems.gan.gan import GAN, Config

    return GAN(Config(nets=nets, conditional=conditional))


def test_maxout_takes_the_larger_of_two_lines() -> None:
    from atlas_cli.systems.gan.players import Maxout

    layer = Maxout(1, 1)
    with torch.no_grad():
        layer.linear.weight.copy_(torch.tensor([[1.0], [-1.0]]))
        layer.linear.bias.zero_()
    x = torch.linspace(-2, 2, 9)[:, None]
    torch.testing.assert_close(layer(x), x.abs())


# --- the distance ------------------------------------------------------------------------------------


def test_the_wasserstein_distance_of_a_moved_cloud_is_its_move() -> None:
    from atlas_cli.systems.gan.figures import wasserstein_distance

    cloud = torch.randn(50, 2)
    order = torch.randperm(50)
    assert wasserstein_distance(cloud, cloud[order]) == pytest.approx(0, abs=1e-3)
    assert wasserstein_distance(cloud + torch.tensor([30.0, 40.0]), cloud[order]) == pytest.approx(
        50, rel=1e-5
    )
    line, other = torch.rand(40, 1), torch.rand(40, 1)  # on a line: the sorted ones are paired
    exact = (line.sort(0).values - other.sort(0).values).abs().mean()
    assert wasserstein_distance(line, other) == pytest.approx(exact.item(), rel=1e-5)


def test_real_points_lie_nearer_to_real_ones_than_a_collapsed_cloud() -> None:
    from atlas_cli.systems.gan.figures import wasserstein_distance

    source = data.load({"name": "modes25"})
    real, other = source.held_out(300, seed=1), source.held_out(300, seed=2)
    one = source.modes[:1].expand(300, 2)
    assert wasserstein_distance(other, real) < 1.5
    assert wasserstein_distance(one, real) > 4
