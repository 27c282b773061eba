"""A linear VAE's price of a bit, against the numerical optimum."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize

from atlas_cli.explorables.autoencoder import beta as linear_vae


@pytest.mark.parametrize(("variance", "beta"), [(1.0, 1.0), (0.05, 2.0), (0.02, 4.0)])
def test_the_posterior_is_the_optimum_of_the_bound(variance: float, beta: float):
    """Minimise E(x - w z)^2 / (2 s^2) + beta KL over encoder a x + N(0, v) and decoder w, numerically."""
    s2 = linear_vae.NOISE_VARIANCE

    def bound(parameters: np.ndarray) -> float:
        a, log_v, w = parameters
        v = np.exp(log_v)
        error = variance * (1 - w * a) ** 2 + w * w * v
        return error / (2 * s2) + beta * 0.5 * (a * a * variance + v - 1 - log_v)

    fine = {"xatol": 1e-8, "fatol": 1e-10, "maxiter": 4000}
    best = min(
        (optimize.minimize(bound, start, method="Nelder-Mead", options=fine)
         for start in ([0.1, -0.1, 0.1], [1 / variance**0.5, -2.0, variance**0.5])),
        key=lambda result: result.fun,
    )  # fmt: skip
    v = float(linear_vae.latent_noise(np.array([variance]), beta)[0])
    ours = variance * v / (2 * s2) - beta / 2 * np.log(v)
    assert ours == pytest.approx(best.fun, rel=1e-4)
    assert v == pytest.approx(np.exp(best.x[1]), rel=1e-2)


def test_latents_die_in_the_order_of_their_variance():
    alive = [linear_vae.beta(b).facts["latents alive"] for b in (0.05, 1.0, 20.0, 500.0)]
    assert alive == sorted(alive, reverse=True)
    assert alive[-1] == 0
    noise = linear_vae.latent_noise(linear_vae.spectrum().variances, 1.0)
    assert (np.diff(noise) >= 0).all()


def test_dead_latents_leave_the_mean_digit():
    frame = linear_vae.beta(500.0)
    mean = linear_vae.spectrum().mean.reshape(28, 28).clip(0, 1)
    assert np.array(frame.panels[0][0].images[-1]) == pytest.approx(np.round(mean, 2), abs=1e-9)
    assert frame.facts["bits a digit"] == 0
    assert frame.facts["error a digit"] == pytest.approx(
        float(linear_vae.spectrum().variances.sum()), rel=1e-3
    )


def test_components_are_orthogonal_and_hold_all_variance():
    digits = linear_vae.spectrum()
    assert digits.axes.T @ digits.axes == pytest.approx(np.eye(784), abs=1e-8)
    assert digits.variances.sum() == pytest.approx(digits.images.var(0).sum())
