"""Rotary positions, against closed forms."""

from __future__ import annotations

import math

import pytest
import torch

from atlas_cli.explorables.transformer import rope


@pytest.mark.parametrize("position", [0, 3, 30])
def test_scores_depend_on_the_offset_alone(position: int):
    table = rope.scores(position, range(41))
    expected = [[math.cos(n * 100.0 ** (-pair / 4)) for n in range(41)] for pair in range(4)]
    torch.testing.assert_close(torch.tensor(table), torch.tensor(expected), atol=1e-5, rtol=0)


def test_turns_are_by_the_position_times_the_frequency():
    for pair, (x, y) in enumerate(rope.turned([13])[0]):
        angle = 13 * 100.0 ** (-pair / 4)
        assert (x, y) == pytest.approx((math.cos(angle), math.sin(angle)), abs=1e-5)
