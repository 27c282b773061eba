"""Few steps along an exact flow."""

from __future__ import annotations

import math

import numpy as np
import pytest

from atlas_cli.explorables.flow import _data, euler


def test_errors_shrink_with_the_order_of_the_solver():
    assert euler.error(32, "euler") < euler.error(8, "euler") < euler.error(2, "euler")
    assert euler.error(32, "midpoint") < 0.2 * euler.error(32, "euler")


def test_one_euler_step_lands_on_the_mean():
    end = euler.solve(1, "euler")[-1]
    assert float((end - _data.ring().means.mean(0)).norm(dim=1).max()) < 1e-4


@pytest.mark.parametrize(("steps", "solver"), [(1, "euler"), (5, "midpoint")])
def test_arrows_follow_each_other_and_what_is_missed_is_the_error(steps: int, solver: str):
    frame = euler.euler(steps, solver)
    shapes = {shape.label: shape for shape in frame.panels[0][0].shapes}
    arrows, starts = shapes["a step"].paths, shapes["start"].paths[0]
    assert len(arrows) == steps * euler.N_STARTS
    ends = list(starts)
    for k, (begin, end) in enumerate(arrows):
        assert begin == ends[k % euler.N_STARTS]
        ends[k % euler.N_STARTS] = end
    missed = shapes["missed by"].paths
    assert np.array(missed)[:, 0] == pytest.approx(np.array(ends), abs=1e-3)
    assert np.array(shapes["exact flow"].paths)[:, 0] == pytest.approx(np.array(starts))
    far = [math.dist(*pair) for pair in missed]
    assert sum(far) / len(far) == pytest.approx(frame.facts["mean error"], rel=1e-2)
    assert sum(d > 2 * _data.RING_STD for d in far) == frame.facts["paths that miss"]
