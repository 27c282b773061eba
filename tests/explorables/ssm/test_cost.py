"""The cost of length, against closed forms."""

from __future__ import annotations

import pytest

from atlas_cli.explorables.ssm import cost


def test_costs_grow_as_the_axes_say():
    short, long = cost.flops(1000, 256, 16), cost.flops(2000, 256, 16)
    assert long["attention"] == 4 * short["attention"]
    assert long["scan"] == 2 * short["scan"]
    short, long = cost.kept_bytes(1000, 256, 16), cost.kept_bytes(2000, 256, 16)
    assert long["scan"] == short["scan"]
    assert long["attention"] == 2 * short["attention"]


@pytest.mark.parametrize("d_model", [256, 4096])
@pytest.mark.parametrize("d_state", cost.STATE_SIZES)
def test_lines_cross_where_the_dot_stands_whatever_the_width(d_state: int, d_model: int):
    work = cost.flops(cost.equal_work(d_state), d_model, d_state)
    held = cost.kept_bytes(cost.equal_bytes(d_state), d_model, d_state)
    assert work["attention"] == work["scan"]
    assert held["attention"] == held["scan"]


@pytest.mark.parametrize(("length", "cheaper"), [(64, "attention"), (128, "scan")])
def test_the_shorter_bar_is_that_of_who_does_less(length: int, cheaper: str):
    bars = cost.cost(length, 16, 1024).panels[1][0]
    assert bars.labels[bars.values.index(min(bars.values))] == cheaper
    assert f"{length} tokens" in bars.title
    assert bars.values[bars.labels.index(cheaper)] == min(bars.values)
