"""Recurrence and convolution."""

from __future__ import annotations

import pytest

from atlas_cli.explorables.ssm import two_views


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.9, 1.0])
def test_recurrence_and_convolution_are_equal(decay: float):
    assert two_views.by_recurrence(decay) == pytest.approx(two_views.by_convolution(decay))


def test_with_decay_one_the_output_is_the_running_sum():
    assert two_views.by_recurrence(1.0)[-1] == sum(two_views.SIGNAL)


@pytest.mark.parametrize("step", [0, 5, 11])
def test_both_pictures_end_at_the_same_output(step: int):
    carried, slid = two_views.two_views(step, 0.8).panels[0]
    (a,), (b,) = (next(s.paths[0] for s in panel.shapes if s.style == "dots") for panel in (carried, slid))
    assert a == b == pytest.approx((step, two_views.by_recurrence(0.8)[step]), rel=1e-3)
    products = next(shape for shape in slid.shapes if shape.label == "input times kernel")
    assert sum(bar[1][1] for bar in products.paths) == pytest.approx(a[1], abs=2e-3)


def test_an_arrow_brings_the_input_onto_what_is_left_of_the_last_output():
    shapes = {shape.label: shape.paths for shape in two_views.two_views(5, 0.8).panels[0][0].shapes}
    (((_, faded), (_, output)),) = shapes["and the input"]
    assert output - faded == pytest.approx(two_views.SIGNAL[5], abs=2e-3)
