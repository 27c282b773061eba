"""A point in the current ends at the data; what decides it is Bayes' rule."""

from __future__ import annotations

import itertools

import pytest
import torch

from atlas_cli.explorables.flow._data import RING_STD, ring
from atlas_cli.explorables.flow.drop import PLACES, STEPS, TIMES, doubts, drop, exact, follow


def test_wherever_it_is_dropped_it_ends_at_the_data():
    for x, y in itertools.product(PLACES[::4], PLACES[1::4]):
        assert torch.cdist(exact(x, y)[-1:], ring().means).min() < 4 * RING_STD


def test_at_first_every_mode_is_as_likely_and_in_the_end_one_is_sure():
    shares = doubts(exact(0.8, -1.2))
    assert shares[0] == pytest.approx(1 / 6)
    assert shares[-1] == pytest.approx(1, abs=1e-3)
    assert len(shares) == len(TIMES)


def test_from_the_middle_nothing_is_ever_decided():
    """The ring is symmetrical, so the current is zero there."""
    assert exact(0.0, 0.0).abs().max() < 1e-5
    assert doubts(exact(0.0, 0.0))[20] == pytest.approx(1 / 6, abs=1e-4)


def test_a_single_step_ends_in_the_mean_of_the_data_and_many_near_the_end():
    torch.testing.assert_close(follow(0.8, -1.2, 1, "euler")[-1], torch.zeros(2), atol=1e-5, rtol=0)
    misses = [drop(0.8, -1.2, steps).facts["Euler's error"] for steps in STEPS]
    assert misses[-1] < 0.1 < misses[0]


def test_who_sits_between_the_modes_is_told_that_nothing_decides():
    assert drop(0.0, 0.0, 5).facts["decided at t"] == "never"
    assert 0.2 < drop(0.8, -1.2, 5).facts["decided at t"] < 0.9


@pytest.mark.parametrize(("x", "y"), [(1.6, 2.0), (-2.4, 0.4), (0.8, -1.2)])
def test_the_named_mode_is_where_it_ends_and_its_rival_lost(x: float, y: float):
    plane, curves = drop(x, y, 3).panels[0]
    won, lost = curves.series
    means = ring().means
    nearest = int(torch.cdist(exact(x, y)[-1:], means).argmin()) + 1
    assert won.label == f"mode {nearest}, where it ends"
    assert won.ys[-1] > 0.99 > 0.01 > lost.ys[-1]
    assert won.ys[0] == lost.ys[0] == pytest.approx(1 / 6, abs=1e-3)
    number = next(note for note in plane.notes if note.text == str(nearest))
    assert (number.x, number.y) == pytest.approx((1.32 * means[nearest - 1]).tolist(), rel=1e-3)


def test_euler_s_steps_hang_together_and_end_beside_the_current():
    shapes = {shape.label: shape.paths for shape in drop(0.8, -1.2, 3).panels[0][0].shapes}
    arrows = shapes["steps of Euler"]
    assert len(arrows) == 3
    assert all(one[1] == other[0] for one, other in itertools.pairwise(arrows))
    (ends,) = shapes["missed by"]
    assert ends == (arrows[-1][1], shapes["the current"][0][-1])
