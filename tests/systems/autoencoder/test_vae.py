"""VAE: the KL, the draw and the bound against torch.distributions; what it says and shows."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch.distributions import Bernoulli, Normal, kl_divergence

from atlas_cli import data
from atlas_cli.engine.system import SampleRequest, Setting
from atlas_cli.recipe import recipes
from atlas_cli.recipe.recipes import TrainConfig
from atlas_cli.screen import messages
from atlas_cli.systems.autoencoder import pixels
from atlas_cli.systems.autoencoder.vae import VAE, Batch, Config, gaussian_kl, reparameterise

TRAIN = TrainConfig(steps=40, batch_size=16, lr=1e-3)


def tiny(rank: int = 0, world_size: int = 1, **fields: object) -> VAE:
    torch.manual_seed(0)
    vae = VAE(Config(**{"image_size": 8, "width": 8, "z_dim": 4, **fields}))
    vae.attach(Setting(data.load({"name": "digits"}), TRAIN, rank=rank, world_size=world_size))
    return vae


def test_the_kl_is_that_of_torch():
    mean, log_var = torch.randn(5, 3), torch.randn(5, 3)
    theirs = kl_divergence(Normal(mean, (0.5 * log_var).exp()), Normal(0.0, 1.0))
    torch.testing.assert_close(gaussian_kl(mean, log_var), theirs)


def test_a_draw_has_the_mean_and_the_width_and_a_gradient_by_both():
    mean = torch.tensor([[2.0]], requires_grad=True)
    log_var = torch.tensor([[math.log(9.0)]], requires_grad=True)
    z = reparameterise(mean, log_var, torch.tensor([[0.5]]))
    assert z.item() == pytest.approx(2 + 3 * 0.5)
    slopes = torch.autograd.grad(z.sum(), [mean, log_var])
    assert [float(slope) for slope in slopes] == pytest.approx([1.0, 3 * 0.5 / 2])


def test_coins_cost_what_torch_says():
    logits, x = torch.randn(3, 1, 4, 4), (torch.rand(3, 1, 4, 4) < 0.5).float()
    theirs = Bernoulli(logits=logits).log_prob(x).flatten(1).sum(1)
    torch.testing.assert_close(pixels.log_coins(x, logits), theirs)


def test_levels_cost_the_density_of_torch_times_the_width_of_a_level():
    mean, x, log_std = torch.rand(3, 1, 4, 4), torch.rand(3, 1, 4, 4), torch.tensor(-1.5)
    theirs = (Normal(mean, log_std.exp()).log_prob(x) - math.log(256)).flatten(1).sum(1)
    torch.testing.assert_close(pixels.log_levels(x, mean, log_std), theirs)


def test_noise_of_a_level_stays_within_the_level():
    images = torch.tensor([0, 1, 128, 255], dtype=torch.uint8).float().view(1, 1, 2, 2) / 127.5 - 1
    for noise in (0.0, 0.999):
        level = (pixels.as_levels(images, torch.full_like(images, noise)) * 256).floor().flatten()
        assert level.tolist() == [0, 1, 128, 255]


def test_coins_come_up_white_as_often_as_the_grey_says():
    grey = torch.tensor([0.0, 0.25, 1.0]).view(1, 1, 1, 3)
    noise = torch.rand(20_000, 1, 1, 3, generator=torch.Generator().manual_seed(1))
    share = pixels.as_coins((2 * grey - 1).expand_as(noise), noise).mean(0).flatten()
    assert share.tolist() == pytest.approx([0, 0.25, 1], abs=0.01)


def test_the_loss_is_reconstruction_plus_beta_times_kl():
    vae = tiny(beta=3.0)
    batch = vae.batch(0)
    loss, seen = vae.loss(batch)
    assert loss.item() == pytest.approx(float(seen["reconstruction"] + 3 * seen["kl"]), rel=1e-6)
    mean, log_var = vae.encoder(batch.x)
    kl = kl_divergence(Normal(mean, (0.5 * log_var).exp()), Normal(0.0, 1.0)).sum(1).mean()
    assert float(seen["kl"]) == pytest.approx(kl.item(), rel=1e-5)


def test_the_log_weight_is_joint_over_posterior():
    vae, noise = tiny(), torch.randn(16, 4)
    x = vae.batch(0).x
    mean, log_var = vae.encoder(x)
    posterior = Normal(mean, (0.5 * log_var).exp())
    z = mean + (0.5 * log_var).exp() * noise
    theirs = vae.log_likelihood(x, z) + (Normal(0.0, 1.0).log_prob(z) - posterior.log_prob(z)).sum(1)
    torch.testing.assert_close(vae.log_weight(x, noise), theirs)


def test_with_beta_zero_the_code_costs_nothing_and_its_spread_is_free_to_vanish():
    vae = tiny(beta=0.0)
    loss, seen = vae.loss(vae.batch(0))
    assert loss.item() == float(seen["reconstruction"])


@pytest.mark.parametrize("decoder", ["gaussian", "learned_variance"])
def test_the_width_of_the_pixels_is_learned_only_where_it_is_asked_for(decoder: str):
    vae = tiny(decoder=decoder, std=0.2)
    learned = "log_std" in dict(vae.named_parameters())
    assert learned == (decoder == "learned_variance")
    assert vae.log_std.exp().item() == pytest.approx(0.2)


def test_the_best_learned_width_is_the_root_mean_square_of_the_error():
    x, mean = torch.rand(50, 1, 4, 4), torch.full((50, 1, 4, 4), 0.4)
    log_std = torch.zeros((), requires_grad=True)
    best = (x - mean).square().mean().sqrt().log()
    (slope,) = torch.autograd.grad(pixels.log_levels(x, mean, log_std + best).sum(), log_std)
    assert float(slope.abs()) < 1e-2
    assert best < 0


def test_two_ranks_see_together_what_one_sees_and_their_losses_average():
    whole, first, second = tiny(), tiny(0, 2), tiny(1, 2)
    alone, one, other = (vae.batch(3) for vae in (whole, first, second))
    for name in ("x", "noise"):
        assert torch.equal(getattr(alone, name), torch.cat([getattr(one, name), getattr(other, name)]))
    halves = (first.loss(one)[0] + second.loss(other)[0]) / 2
    torch.testing.assert_close(whole.loss(alone)[0], halves)


def test_units_that_die_are_named_once_while_it_trains(monkeypatch: pytest.MonkeyPatch):
    said: list[str] = []
    monkeypatch.setattr(messages, "say", said.append)
    vae = tiny()
    with torch.no_grad():  # an encoder that says the same of every image
        vae.encoder.body[-1].weight.zero_()
    for step in (0, 9, 10, 12):
        batch = vae.batch(step)
        vae.step(Batch(step, batch.x, batch.noise), {})
        assert bool(said) == (step >= 10)  # a quarter of the training may pass first
    assert len(said) == 1
    assert "posterior collapse" in said[0]
    assert "4 of 4" in said[0]


def test_a_walk_ends_at_draws_from_the_prior():
    vae = tiny()
    shown = vae.sample(SampleRequest(n=3, seed=1))
    assert len(shown.frames) > 10
    assert np.array_equal(shown.frames[-1], shown.images)
    assert shown.images.shape == (3, 1, 8, 8)
    assert 0 <= shown.images.min() <= shown.images.max() <= 1


def test_a_window_needs_coins_and_a_code_is_smaller_than_the_image():
    with pytest.raises(ValidationError, match="decoder: bernoulli"):
        Config(window=2, decoder="gaussian")
    with pytest.raises(ValidationError, match="no smaller"):
        Config(image_size=4, z_dim=16)


@pytest.mark.parametrize("decoder", ["bernoulli", "gaussian", "learned_variance"])
def test_every_decoder_learns(decoder: str):
    vae = tiny(decoder=decoder)
    batch, optimizer = vae.batch(0), torch.optim.Adam(vae.parameters(), 1e-2)
    first = vae.loss(batch)[0].item()
    for _ in range(30):
        optimizer.zero_grad()
        vae.loss(batch)[0].backward()
        optimizer.step()
    assert vae.loss(batch)[0].item() < first - 1


@pytest.mark.parametrize("change", ["decoder=gaussian", "decoder=learned_variance", "window=3", "z_dim=32"])
def test_a_change_of_the_recipe_leaves_its_rows_valid(change: str):
    """A row changes the recipe as the user made it: it states all fields that must fit together."""
    assert recipes.resolve("vae/small", [change]).vary
