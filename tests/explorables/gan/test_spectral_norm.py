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
    found, v = spectral_norm.estimates(ratio, 200)
    assert all(later >= earlier - 1e-12 for earlier, later in pairwise(found))
    assert found[-1] == pytest.approx(2.0, rel=1e-6)
    assert max(found) <= 2.0 + 1e-12
    assert np.linalg.norm(v) == pytest.approx(1)


def test_a_narrow_gap_converges_slower():
    errors = [2.0 - spectral_norm.estimates(ratio, 3)[0][-1] for ratio in (0.1, 0.5)]
    assert errors[0] < errors[1]


def test_after_division_the_ellipse_lies_in_the_circle():
    for ratio in (0.1, 0.7, 0.95):
        groups = {
            group.label: group.points for group in spectral_norm.spectral_norm(12, ratio).panels[0][0].groups
        }
        lengths = [math.hypot(*point) for point in groups["W x / estimate"]]
        assert max(lengths) <= 1.06
