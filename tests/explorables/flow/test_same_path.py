"""The circle and the straight line: one ray, one rate, one loss; and the two clocks of a sampler."""

from __future__ import annotations

import math

import pytest
import torch

from atlas_cli.explorables.flow.same_path import LEVELS, pictures, same_path, shares, stops, straight_time
from atlas_cli.systems.flow.paths import PATHS
from atlas_cli.systems.flow.paths import straight_time as by_the_system

LEVEL = pytest.mark.parametrize("level", [0.1, 0.5, 0.6, 0.9])


@LEVEL
def test_shares_and_clock_are_those_of_the_system(level: float):
    at = PATHS["cosine"].shares(torch.tensor(level, dtype=torch.float64))
    assert shares(level) == pytest.approx((float(at.a), float(at.s)))
    assert straight_time(level) == pytest.approx(by_the_system(PATHS["cosine"], level), abs=1e-6)


@LEVEL
def test_even_times_come_as_often_as_the_curve_says(level: float):
    """d tau / d theta = 1 / (a + s)^2."""
    h = 1e-5
    rate = (straight_time(level + h) - straight_time(level - h)) / (2 * h * math.pi / 2)
    assert rate == pytest.approx(1 / sum(shares(level)) ** 2, rel=1e-6)


def test_error_and_frequency_multiply_to_one_at_every_level():
    curves = same_path(0.5, 5, "times").panels[1][0].series
    for error, often, both in zip(*(series.ys for series in curves), strict=True):
        assert error * often == pytest.approx(both, rel=1e-3)
    assert len(curves[0].ys) == len(LEVELS)


@LEVEL
def test_both_networks_are_given_one_picture_in_two_strengths(level: float):
    diffusion, flow = pictures(level)
    assert abs(diffusion - sum(shares(level)) * flow).max() < 1e-12
    assert diffusion.std() > flow.std()
    seen = same_path(level, 5, "times").panels[0][1]
    assert len(seen.images) == 2
    assert seen.images[0] != seen.images[1]


def test_diffusion_s_clock_stops_more_often_at_the_ends():
    times, angles = stops(10, "times"), stops(10, "angles")
    assert times[0] == angles[0] == 0
    assert times[-1] == angles[-1] == 1
    assert angles[1] > times[1]
    assert angles[5] == pytest.approx(times[5])
    assert angles[6] - angles[5] < times[6] - times[5]
