"""Guidance against the exact denoiser of a mixture, and variety against Gaussians of known width."""

from __future__ import annotations

import math

import pytest
import torch

from atlas_cli.explorables.mixtures import Mixture
from atlas_cli.systems.diffusion.cfg import AXES, class_variety
from atlas_cli.systems.diffusion.ddpm import DDPM, Config


def tiny(**fields: object) -> DDPM:
    torch.manual_seed(0)
    ddpm = DDPM(Config(**{"image_size": 8, "n_steps": 20, "width": 8, "clip": False, **fields}))
    for parameter in ddpm.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return ddpm


@pytest.mark.parametrize("prediction", ["epsilon", "x0", "v"])
def test_the_estimate_is_linear_in_the_weight(prediction: str) -> None:
    """Noise, image and v are affine in each other, so guidance of one is guidance of all."""
    x_t, t, label = torch.randn(4, 1, 8, 8), torch.full((4,), 9), torch.arange(4)
    at = {}
    for w in (0.0, 1.0, 3.0):
        at[w] = tiny(prediction=prediction, guidance=w).predict_data(x_t, t, label)
    torch.testing.assert_close(at[3.0], at[0.0] + 3 * (at[1.0] - at[0.0]), atol=1e-4, rtol=1e-4)
    assert not torch.allclose(at[0.0], at[1.0], atol=1e-3)


def test_the_formula_of_the_paper_counts_its_weight_from_one() -> None:
    x_t, t, label = torch.randn(4, 1, 8, 8), torch.full((4,), 9), torch.arange(4)
    ddpm = tiny(prediction="epsilon", guidance=1.5)
    with_label = ddpm.predict(x_t, t, label)
    without = ddpm.predict(x_t, t, torch.full((4,), 10))
    noise = (1 + 0.5) * with_label - 0.5 * without  # eq. 6 with w = 0.5
    torch.testing.assert_close(
        ddpm.predict_data(x_t, t, label), ddpm.to_data(noise, x_t, t), atol=1e-5, rtol=1e-5
    )


def test_with_exact_answers_the_guided_one_is_that_of_a_tilted_gaussian() -> None:
    """p(x) p(y|x)^w is again a Gaussian for Gaussians of one width: its denoiser at each level is known."""
    std, w = 0.4, 2.5
    part = Mixture(torch.tensor([[1.0]]), torch.ones(1), std)
    every = Mixture(torch.tensor([[0.0]]), torch.ones(1), std)
    tilted = Mixture(torch.tensor([[w * 1.0]]), torch.ones(1), std)  # mean moves by w times the difference
    x = torch.linspace(-3, 3, 50)[:, None]
    for signal in (0.1, 0.6, 0.95):
        sigma = math.sqrt(1 - signal**2)
        anyone = every.posterior_mean(x, signal, sigma)
        guided = anyone + w * (part.posterior_mean(x, signal, sigma) - anyone)
        torch.testing.assert_close(guided, tilted.posterior_mean(x, signal, sigma), atol=1e-5, rtol=1e-5)


def test_variety_is_the_logarithm_of_the_width() -> None:
    """Features half as wide in every direction have log 2 nats a dimension less."""
    draws = torch.Generator().manual_seed(0)
    label = torch.arange(4000) % 4
    real = torch.randn(4000, 32, generator=draws) + 5 * label[:, None]
    again = torch.randn(4000, 32, generator=draws) + 5 * label[:, None]
    narrow = 5 * label[:, None] + 0.5 * (again - 5 * label[:, None])
    assert class_variety(again, label, real, label) == pytest.approx(0, abs=0.05)
    assert class_variety(narrow, label, real, label) == pytest.approx(-math.log(2), abs=0.05)
    few = slice(0, 400)  # a smaller number of drawn images does not look less varied
    assert class_variety(again[few], label[few], real, label) == pytest.approx(0, abs=0.05)


def test_variety_falls_along_one_lost_axis_only_by_its_share() -> None:
    draws = torch.Generator().manual_seed(1)
    scales = torch.tensor([10.0] * AXES + [0.1] * 24)  # the leading axes are the first ones
    real = torch.randn(4000, 32, generator=draws) * scales
    squeezed = torch.randn(4000, 32, generator=draws) * scales
    squeezed[:, 0] *= math.exp(-4)
    one = torch.zeros(4000, dtype=torch.long)
    assert class_variety(squeezed, one, real, one) == pytest.approx(-4 / AXES, abs=0.05)
