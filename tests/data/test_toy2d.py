import math

import pytest
import torch

from atlas_cli import data
from atlas_cli.draws import BatchRandom

DENSITIES = ["modes25", "modes8", "moons", "rings", "checkerboard", "spiral"]
CLOSED_FORMS = ["modes25", "modes8", "rings", "checkerboard"]


def load(density, **fields):
    return data.load({"name": "toy2d", "density": density, **fields})


def test_modes25_is_the_grid_of_the_literature():
    source = data.load({"name": "modes25"})
    grid = {(x, y) for x in (-4, -2, 0, 2, 4) for y in (-4, -2, 0, 2, 4)}
    assert {tuple(mode) for mode in source.modes.tolist()} == grid
    assert source.std == 0.05
    points = source.held_out(20_000)
    distance, nearest = torch.cdist(points, source.modes).min(1)
    # The distance from the mean of a plane Gaussian: P(d < 3 std) = 1 - exp(-4.5).
    assert (distance < 0.15).double().mean().item() == pytest.approx(1 - math.exp(-4.5), abs=0.004)
    counts = nearest.bincount(minlength=25)
    assert (counts - 800).abs().max() < 5 * 800**0.5


@pytest.mark.parametrize("density", CLOSED_FORMS)
def test_densities_integrate_to_one(density):
    source = load(density, **({} if density == "checkerboard" else {"std": 0.2}))
    side = torch.linspace(-6, 6, 1201, dtype=torch.float64)[:-1] + 0.005  # midpoints
    points = torch.cartesian_prod(side, side)
    total = sum(source.log_density(part).exp().sum() for part in points.split(100_000)) * 0.01**2
    assert total.item() == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize("density", CLOSED_FORMS)
def test_samples_follow_their_density(density):
    """The mean of the density over its own samples is the integral of its square."""
    source = load(density, **({} if density == "checkerboard" else {"std": 0.3}))
    side = torch.linspace(-6, 6, 601, dtype=torch.float64)[:-1] + 0.01
    points = torch.cartesian_prod(side, side)
    squares = sum((2 * source.log_density(part)).exp().sum() for part in points.split(100_000)) * 0.02**2
    found = source.log_density(source.held_out(20_000)).exp().mean()
    assert found.item() == pytest.approx(squares.item(), rel=0.03)


@pytest.mark.parametrize("density", DENSITIES)
def test_points_are_finite_and_fit_the_plane_that_is_drawn(density):
    points = load(density).held_out(5_000)
    assert points.shape == (5_000, 2)
    assert points.abs().max() < 4.5
    assert points.mean(0).abs().max() < 0.3


@pytest.mark.parametrize("density", DENSITIES)
def test_two_ranks_see_what_one_process_sees(density):
    source = load(density)
    whole = source.batch(BatchRandom(1, 2, 16))
    halves = [source.batch(BatchRandom(1, 2, 16, rank, 2)) for rank in range(2)]
    torch.testing.assert_close(torch.cat(halves), whole, rtol=0, atol=1e-6)


def test_held_out_points_are_no_training_points():
    source = load("moons")
    held_out = {tuple(point) for point in source.held_out(500).tolist()}
    trained = {tuple(p) for step in range(50) for p in source.batch(BatchRandom(0, step, 64)).tolist()}
    assert len(held_out) == 500
    assert not held_out & trained


def test_std_widens_the_modes():
    points = load("modes8", std=0.5).held_out(20_000)
    radial = points.norm(dim=1)
    narrow = load("modes8").held_out(20_000).norm(dim=1)
    assert radial.std() == pytest.approx(0.5, rel=0.05)
    assert narrow.std() == pytest.approx(0.1, rel=0.05)
