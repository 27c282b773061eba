"""What the GAN explorables compute, against closed forms."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from atlas_cli.explorables import gan
from tests.explorables.house import check


@pytest.mark.parametrize("shown", gan.EXPLORABLES, ids=lambda shown: shown.name)
def test_every_setting_is_a_frame_and_every_knob_changes_it(shown):
    check(shown)


@pytest.mark.parametrize("d", [0.01, 0.3, 0.5, 0.99])
def test_losses_and_slopes_of_section_three(d: float):
    assert gan.generator_at(d, "non-saturating") == pytest.approx((-math.log(d), d - 1))
    assert gan.generator_at(d, "saturating") == pytest.approx((math.log(1 - d), -d))


def test_both_pull_alike_where_the_discriminator_cannot_tell():
    slopes = [gan.generator_at(0.5, kind)[1] for kind in gan.LOSSES]
    assert slopes[0] == pytest.approx(slopes[1])


@pytest.mark.parametrize("ratio", [0.1, 0.5, 0.95])
def test_singular_values_are_what_the_knob_says(ratio: float):
    values = np.linalg.svd(gan.matrix_of(ratio), compute_uv=False)
    assert values == pytest.approx([2.0, 2.0 * ratio])


@pytest.mark.parametrize("ratio", [0.1, 0.5, 0.95])
def test_estimates_rise_to_the_largest_singular_value_and_never_above(ratio: float):
    found, v = gan.estimates(ratio, 200)
    assert all(later >= earlier - 1e-12 for earlier, later in pairwise(found))
    assert found[-1] == pytest.approx(2.0, rel=1e-6)
    assert max(found) <= 2.0 + 1e-12
    assert np.linalg.norm(v) == pytest.approx(1)


def test_a_narrow_gap_converges_slower():
    errors = [2.0 - gan.estimates(ratio, 3)[0][-1] for ratio in (0.1, 0.5)]
    assert errors[0] < errors[1]


def test_after_division_the_ellipse_lies_in_the_circle():
    for ratio in (0.1, 0.7, 0.95):
        groups = {group.label: group.points for group in gan.spectral_norm(12, ratio).panels[0][0].groups}
        lengths = [math.hypot(*point) for point in groups["W x / estimate"]]
        assert max(lengths) <= 1.06
