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
