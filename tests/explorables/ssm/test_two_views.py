"""Recurrence and convolution."""

from __future__ import annotations

import pytest

from atlas_cli.explorables.ssm import two_views


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.9, 1.0])
def test_recurrence_and_convolution_are_equal(decay: float):
    assert two_views.by_recurrence(decay) == pytest.approx(two_views.by_convolution(decay))


def test_with_decay_one_the_output_is_the_running_sum():
    assert two_views.by_recurrence(1.0)[-1] == sum(two_views.SIGNAL)
