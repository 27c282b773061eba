"""The largest stretch by power iteration, against SVD and torch's own norm; and games that live or die."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, parametrize

from atlas_cli.data.images import ImageSource
from atlas_cli.engine.descent import NotFinite
from atlas_cli.engine.system import Setting
from atlas_cli.recipe.recipes import TrainConfig
from atlas_cli.systems.gan import sngan
from atlas_cli.systems.gan.gan import GAN
from atlas_cli.systems.gan.gan import Config as GANConfig
from atlas_cli.systems.gan.sngan import (
    SNGAN,
    Config,
    SpectralNorm,
    as_matrix,
    block_iteration,
    normalise,
    power_iteration,
    strongest,
)


def on_images(source: ImageSource, steps: int = 4, lr: float = 1e-2, **fields: object) -> SNGAN:
    torch.manual_seed(0)
    system = SNGAN(Config(**{"image_size": 8, "width": 8, "z_dim": 4} | fields))
    train = TrainConfig(steps=steps, batch_size=8, lr=lr, betas=(0.0, 0.99), precision="fp32")
    system.attach(Setting(source, train))
    return system


def with_singular_values(*values: float) -> torch.Tensor:
    torch.manual_seed(1)
    n = len(values)
    left, right = (torch.linalg.qr(torch.randn(m, n, dtype=torch.float64)).Q for m in (n + 3, n + 1))
    return left @ torch.diag(torch.tensor(values, dtype=torch.float64)) @ right.T


# --- power iteration ---------------------------------------------------------------------------------


def test_power_iteration_finds_the_largest_singular_value_and_its_directions() -> None:
    W = with_singular_values(3.0, 1.5, 0.2)
    u, v, sigma = power_iteration(W, torch.ones(4, dtype=torch.float64), 60)
    left, values, right = torch.linalg.svd(W)
    torch.testing.assert_close(sigma, values[0])
    assert abs(float(u @ left[:, 0])) == pytest.approx(1)
    assert abs(float(v @ right[0])) == pytest.approx(1)


def test_the_error_of_one_direction_falls_by_the_fourth_power_of_the_ratio_a_round() -> None:
    W = with_singular_values(1.0, 0.8)
    start = torch.tensor([1.0, 0.3, -0.4], dtype=torch.float64)
    errors = [1 - float(power_iteration(W, start, rounds)[2]) for rounds in (8, 9, 10)]
    assert errors[1] / errors[0] == pytest.approx(0.8**4, rel=0.02)
    assert errors[2] / errors[1] == pytest.approx(0.8**4, rel=0.02)


def test_one_direction_in_a_block_is_algorithm_1() -> None:
    W = with_singular_values(3.0, 2.0, 1.0)
    start = torch.nn.functional.normalize(torch.ones(4, dtype=torch.float64), dim=0)
    u, v, sigma = power_iteration(W, start, 3)
    U, V = block_iteration(W, start[:, None], 3)
    left, right = strongest(W, U, V)
    torch.testing.assert_close(left @ W @ right, sigma)
    torch.testing.assert_close(torch.outer(left, right), torch.outer(u, v))


def test_several_directions_find_what_one_has_not_yet() -> None:
    W = with_singular_values(1.0, 0.99, 0.3, 0.2, 0.1)
    torch.manual_seed(0)
    start = torch.linalg.qr(torch.randn(6, 4, dtype=torch.float64)).Q
    missed = []
    for directions in (1, 4):
        U, V = block_iteration(W, start[:, :directions], 8)
        u, v = strongest(W, U, V)
        missed.append(1 - float(u @ W @ v))
    assert missed[1] < missed[0] / 100


# --- the norm ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "layer", [nn.Linear(6, 5), nn.Conv2d(3, 4, 3), nn.Embedding(7, 4)], ids=["linear", "conv", "embedding"]
)
def test_with_one_direction_it_is_torch_s_own_norm(layer: nn.Module) -> None:
    """The same start gives the same weights pass by pass, and the same gradient."""
    torch.manual_seed(0)
    ours, theirs = copy.deepcopy(layer), copy.deepcopy(layer)
    norm = SpectralNorm(ours.weight, 1)
    parametrize.register_parametrization(ours, "weight", norm)
    parametrizations.spectral_norm(theirs)
    reference = theirs.parametrizations.weight[0]  # type: ignore[union-attr,index]
    with torch.no_grad():
        norm.U.copy_(reference._u[:, None])  # type: ignore[operator]
        norm.V.copy_(reference._v[:, None])  # type: ignore[operator]
    target = torch.randn_like(layer.weight)  # type: ignore[arg-type]
    for _ in range(3):
        found = [(net.weight * target).sum() for net in (ours, theirs)]
        torch.testing.assert_close(found[0], found[1])
    slopes = [
        torch.autograd.grad(value, net.parametrizations.weight.original)[0]  # type: ignore[union-attr]
        for value, net in zip(found, (ours, theirs), strict=True)
    ]
    torch.testing.assert_close(slopes[0], slopes[1])


def test_the_gradient_through_the_norm_is_that_of_the_exact_singular_value() -> None:
    W = with_singular_values(2.0, 1.0, 0.5).requires_grad_(True)
    norm = SpectralNorm(W, 3).double()
    target = torch.randn(W.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    for _ in range(40):
        value = (norm(W) * target).sum()
    (found,) = torch.autograd.grad(value, W)
    (exact,) = torch.autograd.grad((W / torch.linalg.matrix_norm(W, 2) * target).sum(), W)
    torch.testing.assert_close(found, exact)


def test_a_divided_layer_moves_two_inputs_apart_by_at_most_their_distance() -> None:
    torch.manual_seed(0)
    layer = nn.Linear(8, 8, bias=False)
    with torch.no_grad():
        layer.weight.mul_(20)
    normalise(layer, 4)
    a, b = torch.randn(2, 100, 8)
    for _ in range(20):
        moved = layer(a) - layer(b)
    assert (moved.norm(dim=1) <= (a - b).norm(dim=1) * 1.001).all()


def test_eval_leaves_the_directions_where_they_are() -> None:
    torch.manual_seed(0)
    layer = nn.Linear(8, 8)
    norm = SpectralNorm(layer.weight, 2)
    norm.eval()
    before = norm.V.clone()
    norm(layer.weight)
    assert torch.equal(norm.V, before)
    norm.train()
    norm(layer.weight + 1)
    assert not torch.equal(norm.V, before)


# --- the system --------------------------------------------------------------------------------------


def test_after_the_last_step_every_layer_was_played_with_at_stretch_one(tiny_images: ImageSource) -> None:
    system = on_images(tiny_images, steps=30, lr=2e-3)
    optimizers = system.optimizers()
    assert not system.singular.any()
    for step in range(30):
        system.step(system.batch(step), optimizers)
    assert len(system.singular) == 6  # three convolutions, two linear layers and the embedding
    assert ((system.singular - 1).abs() < 0.02).all()
    exact = []
    for name in system.layers:
        layer = system.discriminator.get_submodule(name)
        original = as_matrix(layer.parametrizations.weight.original.detach())  # type: ignore[union-attr,operator]
        exact.append(float(torch.linalg.matrix_norm(original, 2)))
    assert max(abs(s - 1) for s in exact) > 0.02  # the weights themselves are not


def test_without_the_norm_the_game_is_gan_s_to_the_bit(tiny_images: ImageSource) -> None:
    plain = on_images(tiny_images, norm="none")
    torch.manual_seed(0)
    gan = GAN(GANConfig(image_size=8, width=8, z_dim=4, r1_gamma=0.0))
    gan.attach(plain.setting)
    for system in (plain, gan):
        optimizers = system.optimizers()
        for step in range(4):
            system.step(system.batch(step), optimizers)
    for a, b in zip(plain.parameters(), gan.parameters(), strict=True):
        assert torch.equal(a, b)


def test_both_arms_begin_with_the_same_weights(tiny_images: ImageSource) -> None:
    normed, plain = on_images(tiny_images), on_images(tiny_images, norm="none")
    for name, weight in plain.discriminator.named_parameters():
        layer, _, kind = name.rpartition(".")
        own = normed.discriminator.get_submodule(layer)
        found = own.parametrizations.weight.original if kind == "weight" else getattr(own, kind)  # type: ignore
        assert torch.equal(weight, found)
    for a, b in zip(plain.generator.parameters(), normed.generator.parameters(), strict=True):
        assert torch.equal(a, b)


def test_a_short_game_leaves_the_run_s_weights_and_draws_alone(
    tiny_images: ImageSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sngan, "ROUNDS", 3)
    monkeypatch.setattr(SNGAN, "distance_now", lambda self: 7.0)
    system = on_images(tiny_images)
    before, state = [p.detach().clone() for p in system.parameters()], torch.get_rng_state()
    assert system.short_game(0.01, 0) == 7.0
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(a, b) for a, b in zip(before, system.parameters(), strict=True))


def test_a_short_game_is_played_as_the_run_s_own_and_says_nothing(
    tiny_images: ImageSource, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sngan, "ROUNDS", 40)
    monkeypatch.setattr(SNGAN, "distance_now", lambda self: 7.0)
    monkeypatch.setattr("atlas_cli.systems.gan.watching.variety", lambda *_: 0.0)  # all samples are one
    moves: list[int] = []
    plain = SNGAN.discriminator_step
    monkeypatch.setattr(SNGAN, "discriminator_step", lambda *a: moves.append(1) or plain(*a))
    on_images(tiny_images, critic_steps=2).short_game(0.001, 0)
    assert len(moves) == 80
    assert "mode collapse" not in capsys.readouterr().err


def test_games_are_counted_as_alive_by_their_distance(
    tiny_images: ImageSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    distances = {0.002: (10, 20, 30), 0.008: (10, 500, 600), 0.016: (math.inf, 500, 399)}
    monkeypatch.setattr(SNGAN, "short_game", lambda self, rate, game: distances[rate][game])
    figures = on_images(tiny_images).survival()
    assert figures["survived_2"] == 1
    assert figures["survived_8"] == figures["survived_16"] == pytest.approx(1 / 3)
    assert figures["survived"] == pytest.approx(5 / 9)


def test_a_game_that_breaks_off_is_dead(tiny_images: ImageSource, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise NotFinite("loss", math.nan)

    monkeypatch.setattr(SNGAN, "discriminator_step", broken)
    assert on_images(tiny_images).short_game(0.01, 0) == math.inf
