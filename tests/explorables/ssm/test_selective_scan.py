"""What a selective state holds, from the equation of the scan."""

from __future__ import annotations

import math

import pytest

from atlas_cli.explorables.ssm import selective_scan


def test_the_state_holds_of_each_word_what_later_steps_leave():
    """delta_k exp(-sum of later deltas), from the equation of the scan."""
    for gate, write in ((0.0, 0.5), (0.7, 1.0), (1.0, 2.0)):
        steps = selective_scan.steps_of(gate, write)
        held = selective_scan.memory(gate, write)[-1]
        expected = [step * math.exp(-sum(steps[k + 1 :])) for k, step in enumerate(steps)]
        assert held.tolist() == pytest.approx(expected, rel=1e-5)


def test_no_word_is_held_before_it_is_read():
    held = selective_scan.memory(0.5, 0.5)
    assert float(held.triu(1).abs().max()) == 0


def test_a_closed_gate_keeps_content():
    open_, half, closed = (selective_scan.selective_scan(g, 0.5).facts for g in (0.0, 0.5, 1.0))
    assert open_["A left"] < 0.1 * closed["A left"]
    assert open_["share of content in the state"] < half["share of content in the state"] < 0.9
    assert closed["share of content in the state"] > 0.85
