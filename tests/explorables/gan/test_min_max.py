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


@pytest.mark.parametrize("d", [0.01, 0.5, 0.95])
def test_arrows_are_as_long_as_the_loss_is_steep_where_the_sample_stands(d: float):
    shapes = min_max.min_max(d).panels[0][0].shapes
    (points,) = next(shape.paths for shape in shapes if shape.style == "dots")
    arrows = [shape.paths[0] for shape in shapes if shape.style == "arrow"]
    tangents = next(shape.paths for shape in shapes if shape.label == "steepness")
    for kind, point, arrow, tangent in zip(min_max.LOSSES, points, arrows, tangents, strict=True):
        loss, slope = min_max.generator_at(d, kind)
        assert point == arrow[0] == pytest.approx((math.log(d / (1 - d)), loss), rel=1e-3)
        assert arrow[1][0] - arrow[0][0] == pytest.approx(-min_max.ARROW * slope, abs=2e-3)
        (ax, ay), (bx, by) = tangent
        assert (by - ay) / (bx - ax) == pytest.approx(slope, abs=2e-3)
