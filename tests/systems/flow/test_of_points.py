"""Flows of points: pairings against every permutation, energies and likelihoods against closed forms."""

from __future__ import annotations

import math
from itertools import permutations

import pytest
import torch
from torch import Tensor

from atlas_cli import data
from atlas_cli.engine.system import SampleRequest, Setting
from atlas_cli.recipe.recipes import TrainConfig
from atlas_cli.systems.flow import of_points
from atlas_cli.systems.flow.cfm import CFM, Config
from atlas_cli.systems.flow.of_points import log_density, pairing, path_energy, squared_distances, wasserstein
from tests.systems.flow.house import on_points, steep

MEAN, STD = torch.tensor([1.5, -0.5]), 0.4  # of the Gaussian whose transport is known
LEAST = float(MEAN.square().sum()) + 2 * (STD - 1) ** 2  # W_2^2 from the standard normal


def cloud(n: int, seed: int, dim: int = 2) -> Tensor:
    return torch.randn(n, dim, generator=torch.Generator().manual_seed(seed))


def of_flow(**fields: object) -> CFM:
    """A flow of eight islands, as drawn."""
    torch.manual_seed(0)
    cfm = CFM(Config(dim=2, width=8, n_layer=2, sampler_steps=3, **fields))
    source = data.load({"name": "toy2d", "density": "modes8"})
    cfm.attach(Setting(source, TrainConfig(steps=4, batch_size=16, lr=1e-2)))
    return cfm


# --- distances and pairings ---------------------------------------------------------------------------


@pytest.mark.parametrize("n", range(1, 7))
def test_the_pairing_is_the_cheapest_of_all_permutations(n: int):
    for seed in range(5):
        cost = squared_distances(cloud(n, seed), cloud(n, seed + 50))
        rows = torch.arange(n)
        every = {p: float(cost[rows, torch.tensor(p)].sum()) for p in permutations(range(n))}
        found = tuple(pairing(cost).tolist())
        assert every[found] == pytest.approx(min(every.values()), rel=1e-6)


def test_distances_are_those_of_the_definition_however_near_and_in_any_number_format():
    one, other = cloud(40, 1, 7), cloud(40, 2, 7)
    expected = (one.double()[:, None] - other.double()[None]).square().sum(-1).float()
    near = one + 1e-3
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(squared_distances(one, other), expected, atol=0, rtol=1e-5)
        own = squared_distances(one, near).diagonal()
    torch.testing.assert_close(own, (one.double() - near.double()).square().sum(1).float(), rtol=1e-3, atol=0)


def test_images_are_compared_pixel_by_pixel():
    images = torch.randn(3, 1, 4, 4)
    torch.testing.assert_close(squared_distances(images, images), squared_distances(*[images.flatten(1)] * 2))


def test_the_distance_of_moved_and_of_shrunk_clouds_is_that_of_the_closed_form():
    """A shift by m costs |m|^2; a map along convex slopes, as x -> s x is one, is the cheapest (Brenier)."""
    points = cloud(200, 3)
    assert wasserstein(points, points[torch.randperm(200)] + MEAN) == pytest.approx(
        float(MEAN.square().sum()), rel=1e-5
    )
    shrunk = float(((1 - STD) * points).square().sum(1).mean())
    assert wasserstein(points, (STD * points).flip(0)) == pytest.approx(shrunk, rel=1e-5)


def test_between_gaussians_the_distance_is_the_one_of_the_textbook():
    """|m|^2 + D (s - 1)^2, up to the size of the clouds."""
    draws = [wasserstein(cloud(600, seed), MEAN + STD * cloud(600, seed + 50)) for seed in range(8)]
    assert sum(draws) / len(draws) == pytest.approx(LEAST, rel=0.05)


# --- energies -----------------------------------------------------------------------------------------


def shortest(x: Tensor, t: float) -> Tensor:
    """The field of z -> m + s z along straight lines: x_t = (1 - t + t s) z + t m."""
    z = (x - t * MEAN) / (1 - t + t * STD)
    return MEAN + (STD - 1) * z


def independent(x: Tensor, t: float) -> Tensor:
    """E[data - noise | x_t] for Gaussian data that are paired at random; it makes z to m + s z as well."""
    variance = (t * STD) ** 2 + (1 - t) ** 2
    return MEAN + (t * STD**2 - (1 - t)) / variance * (x - t * MEAN)


def test_the_shortest_transport_has_the_energy_of_the_distance_and_flow_matching_more():
    noise = cloud(20_000, 6)
    least = path_energy(shortest, noise)
    assert least == pytest.approx(LEAST, rel=0.02)
    # |m|^2 + D times the integral of slope^2 times variance, of x_t along the way
    t = torch.linspace(0, 1, 100_001, dtype=torch.float64)
    variance = (t * STD) ** 2 + (1 - t) ** 2
    slope = (t * STD**2 - (1 - t)) / variance
    expected = float(MEAN.square().sum()) + 2 * float(torch.trapezoid(slope**2 * variance, t))
    assert path_energy(independent, noise) == pytest.approx(expected, rel=0.02)
    assert expected > 1.1 * LEAST


def test_the_energy_of_steady_motion_is_exact_at_any_number_of_steps():
    assert path_energy(lambda x, t: MEAN.expand_as(x), cloud(5, 7), 1) == pytest.approx(
        float(MEAN.square().sum())
    )


# --- likelihood ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("field", [shortest, independent])
def test_the_likelihood_of_a_gaussian_s_flow_is_the_gaussian_s(field):
    points = MEAN + STD * cloud(50, 8)
    expected = torch.distributions.MultivariateNormal(MEAN, STD**2 * torch.eye(2)).log_prob(points)
    torch.testing.assert_close(log_density(field, points), expected, atol=2e-3, rtol=0)


def test_it_is_that_of_cnf_on_the_same_network():
    cnf = steep(on_points())
    points = cloud(30, 9)
    with torch.no_grad():
        expected = cnf.log_density(points)
        found = log_density(cnf.net, points)
    torch.testing.assert_close(found, expected, atol=1e-3, rtol=1e-3)


def test_it_knows_flow_matching_s_own_field():
    """Through `field`, which scales and splits what the network says: on the straight path in vain."""
    cfm = of_flow()
    points, label = cloud(20, 10), torch.zeros(20, dtype=torch.long)
    with torch.no_grad():
        through = log_density(lambda x, t: cfm.field(x, t, label), points)
        direct = log_density(lambda x, t: cfm.net(x, t), points)
    torch.testing.assert_close(through, direct, atol=1e-4, rtol=1e-4)


# --- what a run says ----------------------------------------------------------------------------------


def test_a_run_is_judged_by_distances_energies_and_nats(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(of_points, "N_PAIRED", 100)
    monkeypatch.setattr(of_points, "N_COSTED", 50)
    monkeypatch.setattr(of_points, "N_DRAWS", 2)
    cfm = of_flow()
    found = cfm.evaluate()
    assert all(math.isfinite(value) for value in found.values())
    assert {f"wasserstein_{n}" for n in of_points.COUNTS} < set(found)
    assert found["wasserstein_floor"] < found["wasserstein_20"]  # it has learned nothing
    assert found["energy_excess"] == pytest.approx(
        abs(found["path_energy"] - found["least_energy"]) / found["least_energy"]
    )
    assert found == cfm.evaluate()


def test_where_no_density_is_known_no_nats_are_stated(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(of_points, "N_PAIRED", 20)
    cfm = of_flow()
    cfm.attach(Setting(data.load({"name": "toy2d", "density": "moons"}), cfm.setting.train))
    assert "nats_above_truth" not in cfm.evaluate()


def test_points_are_drawn_with_their_way():
    points = of_flow().sample(SampleRequest(n=7, seed=1))
    assert len(points.frames) == 4
    assert points.points.shape == (7, 2)
    assert (points.frames[-1] == points.points).all()
