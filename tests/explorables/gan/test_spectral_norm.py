"""Power iteration, against singular values."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from atlas_cli.explorables.gan import spectral_norm


@pytest.mark.parametrize("ratio", [0.1, 0.5, 0.95])
def test_singular_values_are_what_the_knob_says(ratio: float):
    values = np.linalg.svd(spectral_norm.matrix_of(ratio), compute_uv=False)
    assert values == pytest.approx([2.0, 2.0 * ratio])


@pytest.mark.parametrize("ratio", [0.1, 0.5, 0.95])
def test_estimates_rise_to_the_largest_singular_value_and_never_above(ratio: float):
    found, tried = spectral_norm.estimates(ratio, 200)
    assert all(later >= earlier - 1e-12 for earlier, later in pairwise(found))
    assert found[-1] == pytest.approx(2.0, rel=1e-6)
    assert max(found) <= 2.0 + 1e-12
    assert np.linalg.norm(tried, axis=1) == pytest.approx(1)


def test_a_narrow_gap_converges_slower():
    errors = [2.0 - spectral_norm.estimates(ratio, 3)[0][-1] for ratio in (0.1, 0.5)]
    assert errors[0] < errors[1]


def shapes_of(*setting: float) -> dict[str, tuple]:
    return {shape.label: shape.paths for shape in spectral_norm.spectral_norm(*setting).panels[0][0].shapes}


def test_after_division_the_ellipse_lies_in_the_circle():
    for ratio in (0.1, 0.7, 0.95):
        (ellipse,) = shapes_of(12, ratio, spectral_norm.START)["W x / estimate"]
        assert max(math.hypot(*point) for point in ellipse) <= 1.06


@pytest.mark.parametrize("start", spectral_norm.STARTS)
def test_every_v_lies_on_the_circle_and_each_is_nearer_to_the_best(start: int):
    (tried,) = shapes_of(5, 0.5, start)["every v so far"]
    assert len(tried) == 6
    assert tried[0] == pytest.approx((math.cos(math.radians(start)), math.sin(math.radians(start))), abs=1e-3)
    assert all(math.hypot(*v) == pytest.approx(1, abs=1e-3) for v in tried)
    along = [
        abs(v[0] * math.cos(spectral_norm.TURN_IN) + v[1] * math.sin(spectral_norm.TURN_IN)) for v in tried
    ]
    assert all(later >= earlier - 1e-3 for earlier, later in pairwise(along))


def test_a_hand_finds_the_direction_that_lies_under_it():
    (drag,) = spectral_norm.spectral_norm(0, 0.5, 120).panels[0][0].drag
    places = [drag.nearest(spectral_norm.STARTS, math.cos(math.radians(s))) for s in spectral_norm.STARTS]
    assert places == list(range(len(spectral_norm.STARTS)))
