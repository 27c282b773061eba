"""The bounds of a linear VAE against the exact likelihood, which probabilistic PCA has in closed form."""

from __future__ import annotations

import math

import pytest
import torch
from torch.distributions import MultivariateNormal

from atlas_cli.systems.autoencoder.pca import PCA
from atlas_cli.systems.autoencoder.vae import VAE, Batch
from atlas_cli.systems.autoencoder.vae_figures import active, coin_nats, importance_bound
from tests.systems.autoencoder.linear import (
    N_CODES,
    SIDE,
    LinearDecoder,
    LinearEncoder,
    P,
    at_optimum,
    images,
)
from tests.systems.autoencoder.linear import system as linear_system

LEVEL_NATS = P * math.log(256)


def weights(vae: VAE, x: torch.Tensor, k: int) -> torch.Tensor:
    random = torch.Generator().manual_seed(5)
    shape = (len(x), N_CODES)
    with torch.no_grad():
        return torch.stack(
            [vae.log_weight(x, torch.randn(shape, generator=random, dtype=torch.float64)) for _ in range(k)]
        )


def off_optimum(pca: PCA) -> VAE:
    """The best decoder with an encoder that is too wide, so that the bounds lie below the likelihood."""
    vae = at_optimum(pca)
    with torch.no_grad():
        vae.encoder.log_var.add_(0.8)  # type: ignore[union-attr]
    return vae


def test_the_likelihood_of_pca_is_that_of_its_gaussian():
    x = images()
    pca = PCA.of(x, N_CODES)
    covariance = pca.weights @ pca.weights.T + pca.noise * torch.eye(P, dtype=torch.float64)
    torch.testing.assert_close(pca.log_density(x), MultivariateNormal(pca.mean, covariance).log_prob(x))


def test_nothing_linear_of_that_size_is_likelier_than_pca():
    x = images()
    pca = PCA.of(x, N_CODES)
    best, random = pca.log_density(x).mean(), torch.Generator().manual_seed(0)
    for _ in range(5):
        shaken = pca.weights + 0.02 * torch.randn(P, N_CODES, generator=random, dtype=torch.float64)
        covariance = shaken @ shaken.T + pca.noise * torch.eye(P, dtype=torch.float64)
        assert MultivariateNormal(pca.mean, covariance).log_prob(x).mean() < best


def test_the_elbo_of_the_best_linear_vae_is_the_likelihood_of_pca():
    x = images()
    pca, square = PCA.of(x, N_CODES), x.view(-1, 1, SIDE, SIDE)
    found = weights(at_optimum(pca), square, 3)
    # The posterior is exact, so that every single weight is p(x).
    for draw in found:
        torch.testing.assert_close(draw, pca.log_density(x) - LEVEL_NATS)


def test_a_linear_vae_that_is_trained_reaches_it_too():
    x = images()
    pca, square = PCA.of(x, N_CODES), x.view(-1, 1, SIDE, SIDE)
    torch.manual_seed(0)
    start = [0.1 * torch.randn(*shape, dtype=torch.float64) for shape in ((N_CODES, P), (P, N_CODES))]
    zero = torch.zeros(N_CODES, dtype=torch.float64)
    vae = linear_system(LinearEncoder(start[0], zero, zero.clone()), LinearDecoder(start[1], x.mean(0)), 0.3)
    optimizer = torch.optim.Adam(vae.parameters(), lr=2e-2)
    for step in range(1500):
        optimizer.param_groups[0]["lr"] = 2e-2 * (1 - step / 1500)
        optimizer.zero_grad()
        vae.loss(Batch(step, square, torch.randn(len(x), N_CODES, dtype=torch.float64)))[0].backward()
        optimizer.step()
    elbo = importance_bound(weights(vae, square, 200), 1)
    assert elbo == pytest.approx(float(pca.log_density(x).mean()) - LEVEL_NATS, abs=0.1)


def test_more_draws_raise_the_bound_up_to_the_exact_likelihood():
    x = images(60)
    pca, square = PCA.of(images(), N_CODES), x.view(-1, 1, SIDE, SIDE)
    found = weights(off_optimum(pca), square, 500)
    reached = [importance_bound(found, k) for k in (1, 5, 50, 500)]
    exact = float(pca.log_density(x).mean()) - LEVEL_NATS
    assert reached == sorted(reached)
    assert reached[0] < exact - 0.3
    assert reached[-1] == pytest.approx(exact, abs=0.02)


def test_the_elbo_lies_below_by_the_divergence_of_its_encoder():
    x = images(60)
    pca, square = PCA.of(images(), N_CODES), x.view(-1, 1, SIDE, SIDE)
    elbo = importance_bound(weights(off_optimum(pca), square, 4000), 1)
    too_wide = N_CODES * 0.5 * (math.exp(0.8) - 1 - 0.8)  # KL of two Gaussians of the same mean
    assert elbo == pytest.approx(float(pca.log_density(x).mean()) - LEVEL_NATS - too_wide, abs=0.02)


def test_a_bound_of_many_takes_whole_groups_only():
    log_weights = torch.tensor([[0.0], [math.log(3.0)], [math.log(5.0)]], dtype=torch.float64)
    assert importance_bound(log_weights, 2) == pytest.approx(math.log(2.0))
    assert importance_bound(log_weights, 3) == pytest.approx(math.log(3.0))


def test_pca_rebuilds_with_the_error_of_the_axes_it_left_out():
    x = images()
    pca = PCA.of(x, N_CODES)
    values = torch.linalg.eigvalsh(torch.cov(x.T, correction=0))
    assert float((pca.rebuilt(x) - x).square().sum(1).mean()) == pytest.approx(float(values[:-N_CODES].sum()))


def test_a_unit_is_active_if_its_mean_moves_by_more_than_a_tenth():
    means = torch.tensor([[0.0, 0.2], [0.1, -0.2]])  # variances 0.0025 and 0.04
    assert active(means).tolist() == [False, True]


def test_pixels_by_themselves_cost_their_entropy():
    train = torch.tensor([[1.0, 0.0]] * 500 + [[0.0, 0.0]] * 500)
    x = torch.tensor([[1.0, 0.0], [0.0, 0.0]])
    assert coin_nats(train, x) == pytest.approx(math.log(2), abs=2e-3)
