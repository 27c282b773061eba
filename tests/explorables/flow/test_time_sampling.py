"""Which times to train on, against scipy's distributions."""

from __future__ import annotations

import math

import pytest
from scipy import integrate, stats

from atlas_cli.explorables.flow import time_sampling


@pytest.mark.parametrize(("mean", "width"), [(0.0, 1.0), (-1.0, 0.5), (2.0, 2.0)])
def test_the_density_of_times_is_the_logit_normals(mean: float, width: float):
    assert time_sampling.time_density(0.3, mean, width) == pytest.approx(
        stats.norm.pdf(math.log(0.3 / 0.7), mean, width) / (0.3 * 0.7)
    )
    area, _ = integrate.quad(time_sampling.time_density, 1 / 3, 2 / 3, (mean, width))
    assert time_sampling.time_share(1 / 3, 2 / 3, mean, width) == pytest.approx(area)
    assert time_sampling.time_share(0.0, 1.0, mean, width) == pytest.approx(1)


def test_what_is_hard_lies_between_noise_and_data():
    """At both ends the best velocity is linear in x: mean - x, and x."""
    assert time_sampling.hard_part(0.02) < 1e-3 * time_sampling.hard_part(0.6)
    assert time_sampling.hard_part(0.98) < 0.1 * time_sampling.hard_part(0.6)
