"""The Dirac-GAN: against its derivatives, and its linear game, by hand."""

from __future__ import annotations

import cmath
import math

import pytest
import torch

from atlas_cli.explorables.gan import penalty as game


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


@pytest.mark.parametrize("gamma", [0.0, 0.2])
def test_a_round_is_descent_by_the_slopes_of_the_paper(gamma: float):
    """D's loss has the slope theta sigmoid(psi theta) + gamma psi, the fake's -psi D."""
    (theta, psi), (theta_then, psi_then) = game.game(gamma)[7:9]
    moved = psi - game.RATE * (theta * sigmoid(psi * theta) + gamma * psi)
    assert psi_then == pytest.approx(moved)
    assert theta_then == pytest.approx(theta + game.RATE * moved * sigmoid(moved * theta))


def test_the_penalty_is_the_systems_for_a_critic_of_one_weight():
    from atlas_cli.systems.gan.gan import GAN, Config

    gan = GAN(Config(dim=1, r1_gamma=0.3))
    gan.discriminator.forward = lambda x, label: 0.7 * x[:, 0]
    assert float(gan.r1(torch.zeros(5, 1), None)) == pytest.approx(0.3 / 2 * 0.7**2)


def test_without_the_penalty_it_never_comes_home():
    distances = game.away(0.0)
    assert min(distances) > 0.8 * distances[0]
    assert max(distances) < 1.2 * distances[0]


@pytest.mark.parametrize("gamma", [0.2, 2.0])
def test_near_home_it_shrinks_by_the_eigenvalues_of_the_linear_game(gamma: float):
    """psi moves by -h (theta / 2 + gamma psi), then theta by h psi / 2: a matrix, in turns."""
    h = game.RATE
    trace, determinant = 2 - h * gamma - h * h / 4, 1 - h * gamma
    root = cmath.sqrt(trace**2 / 4 - determinant)
    expected = max(abs(trace / 2 + root), abs(trace / 2 - root))
    distances = game.away(gamma)
    assert (distances[150] / distances[90]) ** (1 / 60) == pytest.approx(expected, rel=0.02)


def test_too_little_and_too_much_are_both_slow():
    left = {gamma: game.away(gamma)[-1] for gamma in game.GAMMAS}
    best = min(left, key=left.__getitem__)
    assert 0.5 <= best <= 2.0
    assert left[0.05] > 10 * left[best] < left[5.0]


def test_the_push_points_to_where_d_rises_and_is_as_long_as_the_loss_is_steep():
    theta, psi = game.game(0.1)[20]
    (start, end), *_ = next(
        shape.paths for shape in game.penalty(20, 0.1).panels[0][0].shapes if shape.style == "arrow"
    )
    assert start == pytest.approx((theta, psi * theta), rel=1e-3)
    assert end[0] - start[0] == pytest.approx(game.ARROW * psi * sigmoid(psi * theta), abs=2e-3)
