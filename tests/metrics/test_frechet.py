import math

import pytest
import torch

from atlas_cli.metrics.frechet import Moments, frechet_distance, moments


def gaussian(mean, variances):
    return Moments(torch.tensor(mean).double(), torch.diag(torch.tensor(variances).double()))


def correlated(seed, n=200, d=6):
    generator = torch.Generator().manual_seed(seed)
    mixing = torch.randn(d, d, generator=generator, dtype=torch.float64)
    return torch.randn(n, d, generator=generator, dtype=torch.float64) @ mixing


def test_diagonal_gaussians_have_a_closed_form():
    """d^2 = |m1 - m2|^2 + sum (s1 - s2)^2, with standard deviations s."""
    one, other = gaussian([0.0, 1.0, 2.0], [1.0, 4.0, 9.0]), gaussian([1.0, 1.0, 0.0], [4.0, 0.25, 9.0])
    expected = (1 + 0 + 4) + (1 - 2) ** 2 + (2 - 0.5) ** 2 + 0
    assert frechet_distance(one, other) == pytest.approx(expected, rel=1e-12)


def test_commuting_covariances_have_the_same_closed_form_in_any_basis():
    turn = torch.tensor([[math.cos(0.7), -math.sin(0.7)], [math.sin(0.7), math.cos(0.7)]]).double()
    one = Moments(torch.zeros(2).double(), turn @ torch.diag(torch.tensor([1.0, 4.0]).double()) @ turn.T)
    other = Moments(torch.zeros(2).double(), turn @ torch.diag(torch.tensor([9.0, 1.0]).double()) @ turn.T)
    assert frechet_distance(one, other) == pytest.approx((1 - 3) ** 2 + (2 - 1) ** 2, abs=1e-6)


def test_general_covariances_agree_with_scipys_matrix_root():
    from scipy import linalg

    one, other = moments(correlated(0)), moments(correlated(1))
    root = linalg.sqrtm(one.covariance.numpy() @ other.covariance.numpy())
    expected = (one.mean - other.mean).square().sum() + one.covariance.trace() + other.covariance.trace()
    assert frechet_distance(one, other) == pytest.approx(float(expected) - 2 * root.trace().real, rel=1e-8)


def test_equal_sets_have_distance_zero():
    one = moments(correlated(0))
    assert frechet_distance(one, one) == pytest.approx(0, abs=1e-9)


def test_a_shift_costs_its_square():
    data = correlated(0)
    shift = torch.arange(6).double()
    assert frechet_distance(moments(data), moments(data + shift)) == pytest.approx(
        float(shift.square().sum())
    )


def test_a_rotation_of_the_space_changes_nothing():
    one, other = correlated(0), correlated(1) + 1
    turn, _ = torch.linalg.qr(correlated(2, n=6))
    distance = frechet_distance(moments(one), moments(other))
    assert frechet_distance(moments(one @ turn), moments(other @ turn)) == pytest.approx(distance, rel=1e-9)


def test_the_distance_is_symmetric():
    one, other = moments(correlated(0)), moments(correlated(1) + 1)
    assert frechet_distance(one, other) == pytest.approx(frechet_distance(other, one), rel=1e-9)


def test_singular_covariances_are_no_trouble():
    """Fewer samples than dimensions, and a constant set, as a collapsed generator makes."""
    few, constant = moments(correlated(0, n=3)), moments(torch.ones(5, 6))
    expected = few.covariance.trace() + (few.mean - 1).square().sum()
    assert frechet_distance(few, constant) == pytest.approx(float(expected), rel=1e-9)


def test_small_samples_overstate_the_distance():
    """Why the number of samples is fixed: both pairs come from one Gaussian, whose true distance is 0."""
    generator = torch.Generator().manual_seed(0)
    draws = torch.randn(4_000, 8, generator=generator)
    small = frechet_distance(moments(draws[:50]), moments(draws[2_000:]))
    large = frechet_distance(moments(draws[:1_500]), moments(draws[2_000:]))
    assert small > 5 * large > 0


def test_one_sample_has_no_covariance():
    with pytest.raises(ValueError, match="two samples"):
        moments(torch.ones(1, 3))
