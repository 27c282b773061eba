"""Few steps along an exact flow."""

from __future__ import annotations

from atlas_cli.explorables.flow import _data, euler


def test_errors_shrink_with_the_order_of_the_solver():
    assert euler.error(32, "euler") < euler.error(8, "euler") < euler.error(2, "euler")
    assert euler.error(32, "midpoint") < 0.2 * euler.error(32, "euler")


def test_one_euler_step_lands_on_the_mean():
    end = euler.solve(1, "euler")[-1]
    assert float((end - _data.ring().means.mean(0)).norm(dim=1).max()) < 1e-4
