"""Truncation: the polynomial, and precision and recall on sets whose figures are known."""

from __future__ import annotations

import numpy as np
import pytest

from atlas_cli.explorables.gan import truncation


def test_common_latents_are_drawn_as_they_should_be():
    z = 0.2 * truncation.normal(seed=0)
    errors = [np.abs(truncation.generator(z, degree) - truncation.ring(z)).max() for degree in (3, 5, 7)]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 1e-3


def test_the_polynomial_is_that_of_taylor():
    """sin a = a - a^3 / 6 and cos a = 1 - a^2 / 2 at degree 3, with a = 1.5 and radius 2."""
    (point,) = truncation.generator(np.array([[1.0, 0.0]]), 3)
    assert point == pytest.approx([2 * (1.5 - 1.5**3 / 6), 2 * (1 - 1.5**2 / 2)])


def test_a_set_is_precise_and_complete_against_itself():
    points = truncation.normal(seed=0)
    assert truncation.precision_recall(points, points) == (1, 1)


def test_far_sets_are_neither():
    points = truncation.normal(seed=0)
    assert truncation.precision_recall(points, points + 100) == (0, 0)


def test_one_half_is_precise_and_half_complete():
    """Two far clusters of equal size, of which the fakes have one."""
    points = truncation.normal(seed=0)
    real = np.concatenate([points, points + 100])
    precision, recall = truncation.precision_recall(real, points)
    assert precision == 1
    assert recall == 0.5


@pytest.mark.parametrize("degree", [3, 5])
def test_truncation_trades_diversity_for_quality(degree: int):
    figures = [truncation.measured(psi, degree) for psi in (0.3, 0.6, 1.0)]
    precisions, recalls = zip(*figures, strict=True)
    assert list(precisions) == sorted(precisions, reverse=True)
    assert list(recalls) == sorted(recalls)


def test_no_truncation_leaves_one_point():
    samples = {group.label: group.points for group in truncation.truncation(0.0, 3).panels[0][0].groups}
    assert set(samples["samples"]) == {(0.0, 2.0)}


def test_a_better_generator_needs_less_truncation():
    best = [
        truncation.truncation(1.0, degree).facts["psi where the lesser of both is largest"]
        for degree in (3, 5)
    ]
    assert best[0] < 1 < best[1]
