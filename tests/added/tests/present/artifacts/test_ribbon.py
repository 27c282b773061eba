"""Ribbons: as long as they are said to be."""

from __future__ import annotations

from atlas_cli.present.artifacts.ribbon import Ribbon

EXAMPLE = Ribbon([2, 3], facts={"n": 3}), ["x.ribbon"]


def test_a_ribbon_is_as_long_as_it_is_said_to_be() -> None:
    assert EXAMPLE[0].lines() == ["~~", "~~~"]
