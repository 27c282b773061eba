"""The numbers by hand on the page of the VAE come out of the bound on one pixel."""

from __future__ import annotations

import math

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from atlas_cli import catalog
from atlas_cli.pages.source import read_page
from atlas_cli.recipe import recipes
from atlas_cli.systems.autoencoder.vae import gaussian_kl

X = 1.0  # the pixel; the decoder gives it mean z and variance 1
ROWS = {"says nothing": (0.0, 1.0), "says the right amount": (0.5, 0.5), "says exactly where": (1.0, 0.01)}


def text() -> str:
    return " ".join(" ".join(s.markdown for s in read_page(catalog.resolve("vae")).sections).split())


def bill(m: float, v: float) -> tuple[float, float]:
    """What the pixel and the code cost: the mean of (x - z)^2 is (x - m)^2 + v."""
    pixel = 0.5 * math.log(2 * math.pi) + 0.5 * ((X - m) ** 2 + v)
    code = float(gaussian_kl(torch.tensor([[m]]), torch.tensor([[math.log(v)]])))
    return pixel, code


@pytest.mark.parametrize("row", ROWS)
def test_the_bill_of_each_encoder(row: str):
    m, v = ROWS[row]
    pixel, code = bill(m, v)
    theirs = kl_divergence(Normal(m, math.sqrt(v)), Normal(0.0, 1.0))
    assert code == pytest.approx(float(theirs), abs=1e-6)
    assert f"| {row} | {m:g} | {v:g} | {pixel:.3f} | {code:.3f} | {pixel + code:.3f} |" in text()


def test_the_right_amount_pays_the_true_price():
    exact = -float(Normal(0.0, math.sqrt(2)).log_prob(torch.tensor(X)))
    assert exact == pytest.approx(0.5 * math.log(4 * math.pi) + 0.25)
    assert sum(bill(0.5, 0.5)) == pytest.approx(exact, abs=1e-6)
    assert f"½ log(4π) + ¼ = {exact:.3f} nats" in text()
    assert all(sum(bill(*ROWS[row])) >= exact - 1e-6 for row in ROWS)
    assert f"{0.5 * math.log(2 * math.pi):.3f} + ½ ((1 - $m$)² + $v$)" in text()


def test_what_the_page_says_of_settings_is_so():
    small = recipes.resolve("vae/small")
    assert small.ablate == {"beta": 0.0}
    assert small.model["z_dim"] == 16  # "sixteen numbers"
    assert small.train.steps == 1000  # "a thousand batches"
    assert small.vary["squared-error"]["std"] == 1.0
