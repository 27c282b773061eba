"""The mean of a velocity: by the area under it, by the ends of the way, and by the identity."""

from __future__ import annotations

import math

import pytest

from atlas_cli.explorables.flow.average_velocity import (
    BEGINNINGS,
    CELLS,
    MODE_STD,
    REACH,
    SHARES,
    SPEEDS,
    STARTS,
    average_velocity,
    stretch,
    way,
)

EVERY = pytest.mark.parametrize("start", STARTS)


@EVERY
def test_the_average_is_the_area_under_the_velocity_over_the_length(start: float):
    on = way(start)
    for t in BEGINNINGS:
        for share in SHARES:
            part = stretch(start, t, share)
            first, last = round(part.t * CELLS), round(part.s * CELLS)
            area = sum((on.v[k] + on.v[k + 1]) / 2 / CELLS for k in range(first, last))
            assert math.isclose(area, part.u * (part.s - part.t), abs_tol=2e-3)


@EVERY
def test_velocity_and_length_times_slope_are_the_average(start: float):
    for t in BEGINNINGS:
        for share in SHARES:
            part = stretch(start, t, share)
            assert math.isclose(part.v + (part.s - part.t) * part.slope, part.u, abs_tol=0.02)


@EVERY
def test_a_noise_ends_on_its_own_side_within_its_mode(start: float):
    assert abs(way(start).x[-1] - 1) < 4 * MODE_STD
    assert all(abs(x) < REACH for x in way(start).x)
    assert all(SPEEDS[0] < v < SPEEDS[1] for v in way(start).v)


def test_the_first_velocity_leads_to_the_mean_of_all_data_and_the_average_to_the_end():
    part = stretch(0.4, 0.0, 1.0)
    assert math.isclose(0.4 + part.v, 0.0, abs_tol=1e-5)
    assert math.isclose(0.4 + part.u, way(0.4).x[-1], abs_tol=1e-5)
    frame = average_velocity(0.0, 1.0, 0.4)
    assert frame.facts["missed by the velocity"] == pytest.approx(way(0.4).x[-1], abs=1e-3)
