"""The linear VAE against probabilistic PCA as scikit-learn has it, and against its own likelihood."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn.decomposition import PCA

from atlas_cli.explorables._digits import SIDE
from atlas_cli.explorables.autoencoder import latent_walk
from atlas_cli.explorables.autoencoder.latent_walk import LinearVae, fit


def drawn(n: int = 400, pixels: int = 6) -> np.ndarray:
    random = np.random.default_rng(0)
    mixing = random.normal(size=(3, pixels))
    return random.normal(size=(n, 3)) @ mixing + 0.3 * random.normal(size=(n, pixels)) + 1


def evidence(model: LinearVae, x: np.ndarray) -> np.ndarray:
    """log p(x), of the Gaussian that the decoder and its prior make."""
    covariance = model.weights @ model.weights.T + model.noise_variance * np.eye(len(model.mean))
    return stats.multivariate_normal(model.mean, covariance).logpdf(x)


def bound(model: LinearVae, x: np.ndarray) -> np.ndarray:
    """The ELBO: expected log p(x | z) less the KL of the encoder from the prior, in closed form."""
    z, v, s2 = model.encode(x), model.posterior_variance, model.noise_variance
    error = np.square(x - model.decode(z)).sum(1) + (np.square(model.weights).sum(0) * v).sum()
    fit_term = -error / (2 * s2) - len(model.mean) / 2 * np.log(2 * np.pi * s2)
    return fit_term - 0.5 * (np.square(z) + v - 1 - np.log(v)).sum(1)


def test_the_fit_is_scikit_learns_probabilistic_pca():
    x = drawn()
    ours, theirs = fit(x), PCA(2).fit(x)
    covariance = ours.weights @ ours.weights.T + ours.noise_variance * np.eye(6)
    unbiased = len(x) / (len(x) - 1)
    assert covariance * unbiased == pytest.approx(theirs.get_covariance(), rel=1e-6, abs=1e-9)
    assert ours.explained == pytest.approx(theirs.explained_variance_ratio_.sum())


def test_the_encoder_is_the_exact_posterior_so_the_bound_is_tight():
    x = drawn()
    model = fit(x)
    assert bound(model, x) == pytest.approx(evidence(model, x))


def test_no_nearby_model_is_more_likely():
    x, random = drawn(), np.random.default_rng(1)
    model = fit(x)
    best = evidence(model, x).sum()
    for _ in range(10):
        moved = model.weights + 0.02 * random.normal(size=model.weights.shape)
        assert evidence(model._replace(weights=moved), x).sum() < best
    for factor in (0.95, 1.05):
        other = model._replace(noise_variance=factor * model.noise_variance)
        assert evidence(other, x).sum() < best


def test_walking_an_axis_adds_one_fixed_picture():
    model = latent_walk.vae("0 and 1")
    steps = [model.decode(np.array([x, 0.4])) for x in (-1.0, 0.0, 1.0)]
    assert steps[2] - steps[1] == pytest.approx(steps[1] - steps[0])
    assert steps[2] - steps[1] == pytest.approx(model.weights[:, 0])


def test_encoded_digits_have_the_priors_mean_and_almost_its_spread():
    """The posteriors' means and variances add up to the prior: var(z) + posterior variance = 1."""
    model = latent_walk.vae("3 and 8")
    z = model.encode(latent_walk.pictures("3 and 8")[0])
    assert z.mean(0) == pytest.approx([0, 0], abs=1e-9)
    assert z.var(0) + model.posterior_variance == pytest.approx([1, 1])


def test_the_two_digits_lie_apart_and_the_nearest_are_told():
    (images, labels), model = latent_walk.pictures("0 and 1"), latent_walk.vae("0 and 1")
    z = model.encode(images)
    x = {digit: float(z[labels == digit, 0].mean()) for digit in (0, 1)}
    assert abs(x[0] - x[1]) > 1.5
    for digit, place in x.items():
        captions = latent_walk.latent_walk(place, 0.0, "0 and 1").panels[0][0].captions
        assert captions == ("decoded", *(f"data: a {digit}",) * 3)


def test_the_decoded_picture_in_the_middle_is_the_mean():
    images = latent_walk.latent_walk(0.0, 0.0, "all ten").panels[0][0].images
    mean = latent_walk.vae("all ten").mean.reshape(SIDE, SIDE)
    assert np.array(images[0]) == pytest.approx(mean, abs=0.006)
