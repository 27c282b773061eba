"""Two boxes on a line: both distances in closed form, and the critics that measure them."""

from __future__ import annotations

import math

import pytest
import torch

from atlas_cli.explorables.gan import wasserstein as boxes


@pytest.mark.parametrize("width", boxes.WIDTHS)
@pytest.mark.parametrize("shift", boxes.SHIFTS[::3])
def test_both_distances_are_those_of_two_boxes(shift: float, width: float):
    """W1 of a shift is the shift; JS is log 2 times the share that is not in common."""
    apart = min(1.0, abs(shift) / width)
    assert boxes.wasserstein_distance(shift, width) == pytest.approx(abs(shift))
    assert boxes.jensen_shannon(shift, width) == pytest.approx(apart * math.log(2), abs=2 / boxes.N_PLACES)


def test_the_divergence_stands_still_once_they_share_nothing():
    far = [boxes.jensen_shannon(shift, 0.5) for shift in boxes.SHIFTS if abs(shift) >= 0.5]
    assert far == pytest.approx([math.log(2)] * len(far))


def test_the_critic_of_slope_one_earns_the_wasserstein_distance():
    """Its mean on the data less that on the samples, as the dual form has it."""
    for shift in (-2.0, 0.5, 3.0):
        (ax, ay), (bx, by) = boxes._ramp(shift)
        slope = (by - ay) / (bx - ax) / boxes.RISE
        assert abs(slope) == pytest.approx(1)
        real, fake = boxes.places(0.0, 1.0), boxes.places(shift, 1.0)
        earned = float(slope * (real.mean() - fake.mean()))
        assert earned == pytest.approx(boxes.wasserstein_distance(shift, 1.0))


def test_the_best_discriminator_has_no_slope_at_any_sample():
    lines = boxes._best(0.5, 1.0)
    assert [line[0][1] == line[1][1] for line in lines] == [True] * 3
    beliefs = [(line[0][1] - boxes.FLOOR) / boxes.RISE for line in lines]
    assert beliefs == pytest.approx([1.0, 0.5, 0.0])
    nowhere = boxes.log_odds(torch.tensor([9.0]), 0.5, 1.0)
    assert nowhere.isnan().all()  # where neither lies it may be anything, and is not drawn


def test_mass_goes_from_samples_to_data_and_none_crosses():
    pairs = boxes._pairs(2.0, 1.0)
    assert len(pairs) == boxes.N_CARRIED
    assert all(a - b == pytest.approx(2.0) for a, b in pairs)
    assert pairs == sorted(pairs)
