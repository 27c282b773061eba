"""Rounding to a grid, against its closed form."""

from __future__ import annotations

import numpy as np
import pytest

from atlas_cli.explorables.autoencoder import fsq


@pytest.mark.parametrize("levels", range(2, 13))
def test_rounding_has_exactly_its_levels_and_moves_by_half_a_step_at_most(levels: int):
    z = np.linspace(-9, 9, 20_001)
    bounded, rounded = fsq.quantise(z, levels)
    assert np.unique(np.round(rounded, 9)) == pytest.approx(np.linspace(-1, 1, levels))
    assert np.abs(rounded - bounded).max() <= 1 / (levels - 1) + 1e-9
    assert (np.diff(bounded) >= 0).all()


def test_codes_are_levels_to_the_power_of_dim():
    facts = fsq.fsq(8, 3).facts
    assert facts["codes"] == 512
    assert facts["bits a code"] == 9


@pytest.mark.parametrize("levels", [2, 5, 12])
def test_every_point_is_joined_with_the_code_nearest_to_it(levels: int):
    panel = fsq.fsq(levels, 2).panels[0][0]
    shapes = {shape.label: shape.paths for shape in panel.shapes}
    codes = np.array(shapes["a code"][0])
    assert len(codes) == levels**2
    for start, end in np.array(shapes["moved by"]):
        away = np.linalg.norm(codes - start, axis=1)
        assert (
            np.linalg.norm(codes[away.argmin()] - end) < 1e-3
            or away.min() > np.linalg.norm(end - start) - 1e-3
        )
    assert len(shapes[""]) == 2 * (levels - 1)
