"""The generator's losses, against section 3 of the paper."""

from __future__ import annotations

import math

import pytest

from atlas_cli.explorables.gan import min_max


@pytest.mark.parametrize("d", [0.01, 0.3, 0.5, 0.99])
def test_losses_and_slopes_of_section_three(d: float):
    assert min_max.generator_at(d, "non-saturating") == pytest.approx((-math.log(d), d - 1))
    assert min_max.generator_at(d, "saturating") == pytest.approx((math.log(1 - d), -d))


def test_both_pull_alike_where_the_discriminator_cannot_tell():
    slopes = [min_max.generator_at(0.5, kind)[1] for kind in min_max.LOSSES]
    assert slopes[0] == pytest.approx(slopes[1])
