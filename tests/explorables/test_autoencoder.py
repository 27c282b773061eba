"""What the autoencoder explorables compute, against closed forms."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import optimize

from atlas_cli.explorables import autoencoder
from tests.explorables.house import check


@pytest.mark.parametrize("shown", autoencoder.EXPLORABLES, ids=lambda shown: shown.name)
def test_every_setting_is_a_frame_and_every_knob_changes_it(shown):
    check(shown)


@pytest.mark.parametrize(("variance", "beta"), [(1.0, 1.0), (0.05, 2.0), (0.02, 4.0)])
def test_the_posterior_is_the_optimum_of_the_bound(variance: float, beta: float):
    """Minimise E(x - w z)^2 / (2 s^2) + beta KL over encoder a x + N(0, v) and decoder w, numerically."""
    s2 = autoencoder.NOISE_VARIANCE

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
    v = float(autoencoder.latent_noise(np.array([variance]), beta)[0])
    ours = variance * v / (2 * s2) - beta / 2 * np.log(v)
    assert ours == pytest.approx(best.fun, rel=1e-4)
    assert v == pytest.approx(np.exp(best.x[1]), rel=1e-2)


def test_latents_die_in_the_order_of_their_variance():
    alive = [autoencoder.beta(b).facts["latents alive"] for b in (0.05, 1.0, 20.0, 500.0)]
    assert alive == sorted(alive, reverse=True)
    assert alive[-1] == 0
    noise = autoencoder.latent_noise(autoencoder.spectrum().variances, 1.0)
    assert (np.diff(noise) >= 0).all()


def test_dead_latents_leave_the_mean_digit():
    frame = autoencoder.beta(500.0)
    mean = autoencoder.spectrum().mean.reshape(28, 28).clip(0, 1)
    assert np.array(frame.panels[0][0].images[-1]) == pytest.approx(np.round(mean, 2), abs=1e-9)
    assert frame.facts["bits a digit"] == 0
    assert frame.facts["error a digit"] == pytest.approx(
        float(autoencoder.spectrum().variances.sum()), rel=1e-3
    )


def test_components_are_orthogonal_and_hold_all_variance():
    digits = autoencoder.spectrum()
    assert digits.axes.T @ digits.axes == pytest.approx(np.eye(784), abs=1e-8)
    assert digits.variances.sum() == pytest.approx(digits.images.var(0).sum())


@pytest.mark.parametrize("levels", range(2, 13))
def test_rounding_has_exactly_its_levels_and_moves_by_half_a_step_at_most(levels: int):
    z = np.linspace(-9, 9, 20_001)
    bounded, rounded = autoencoder.quantise(z, levels)
    assert np.unique(np.round(rounded, 9)) == pytest.approx(np.linspace(-1, 1, levels))
    assert np.abs(rounded - bounded).max() <= 1 / (levels - 1) + 1e-9
    assert (np.diff(bounded) >= 0).all()


def test_codes_are_levels_to_the_power_of_dim():
    facts = autoencoder.fsq(8, 3).facts
    assert facts["codes"] == 512
    assert facts["bits a code"] == 9


def test_merges_keep_the_text():
    for n in (0, 1, 12, 30):
        pieces, made = autoencoder.merged(n)
        assert "".join("".join(word) for word in pieces).replace("_", " ") == autoencoder.SENTENCE
        assert len(made) == n


def test_the_first_merges_are_the_most_frequent_pairs():
    """By hand: t before h stands in 13 places, more than any other pair; then th before i, e, r ..."""
    sentence = autoencoder.SENTENCE
    _, made = autoencoder.merged(30)
    assert made[0] == ("t", "h", sentence.count("th"))
    counts = [count for *_, count in made]
    assert counts == sorted(counts, reverse=True)


def test_each_merge_shortens_the_sentence_by_its_count():
    """Unless a pair overlaps itself, which none does here."""
    lengths = [sum(map(len, autoencoder.merged(n)[0])) for n in range(31)]
    counts = [count for *_, count in autoencoder.merged(30)[1]]
    assert [a - b for a, b in itertools.pairwise(lengths)] == counts
