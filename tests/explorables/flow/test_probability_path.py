"""A cloud on its way."""

from __future__ import annotations

from atlas_cli.explorables.flow.probability_path import EXPLORABLE


def test_time_runs_in_small_steps():
    """So that the slider feels continuous."""
    values = EXPLORABLE.knobs[0].values
    assert len(values) > 60
    assert (values[0], values[-1]) == (0, 1)
