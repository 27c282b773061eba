"""The window over pixels drawn before: what it sees, that it is a distribution, and how it draws."""

from __future__ import annotations

from itertools import product

import torch

from atlas_cli.systems.autoencoder.pixels import log_coins
from atlas_cli.systems.autoencoder.vae import VAE, Config
from atlas_cli.systems.autoencoder.window import Window


def window(reach: int = 2, features: int = 6) -> Window:
    torch.manual_seed(0)
    return Window(1, features, reach)


def test_a_pixel_sees_what_was_drawn_before_it_within_reach_and_nothing_else():
    r, net = 2, window(2)
    x = torch.rand(1, 1, 9, 9, requires_grad=True)
    logit = net(torch.randn(1, 6, 9, 9), x)[0, 0, 4, 5]
    (slope,) = torch.autograd.grad(logit, x)
    seen = {(int(i), int(j)) for i, j in slope[0, 0].nonzero()}
    above = {(i, j) for i in range(4 - r, 4) for j in range(5 - r, 5 + r + 1)}
    assert seen == above | {(4, j) for j in range(5 - r, 5)}


def test_all_images_of_four_pixels_have_probabilities_that_add_up_to_one():
    net = window()
    decoded = torch.randn(1, 6, 2, 2)
    images = torch.tensor(list(product([0.0, 1.0], repeat=4))).view(16, 1, 2, 2)
    total = log_coins(images, net(decoded.expand(16, -1, -1, -1), images)).exp().sum()
    torch.testing.assert_close(total, torch.tensor(1.0))


def test_drawing_gives_the_chances_that_the_whole_image_has_at_once():
    net = window()
    decoded, noise = torch.randn(3, 6, 5, 5), torch.rand(3, 1, 5, 5)
    with torch.no_grad():
        chances = net.draw(decoded, noise)
        drawn = (noise < chances).float()
        torch.testing.assert_close(net(decoded, drawn).sigmoid(), chances)


def test_a_vae_with_a_window_costs_images_in_order_and_draws_them():
    vae = VAE(Config(image_size=8, width=8, z_dim=4, window=3))
    z, x = torch.randn(2, 4), (torch.rand(2, 1, 8, 8) < 0.3).float()
    assert vae.log_likelihood(x, z).shape == (2,)
    shown = vae.pictures(z, torch.Generator().manual_seed(0))
    assert shown.shape == (2, 1, 8, 8)
    assert shown.abs().max() <= 1
