"""Routers with weights of their own, for the exercises on them."""

from __future__ import annotations

from typing import Any

from atlas_cli.exercises.draw import Draw


def router(draw: Draw, top_k: int, capacity: float | None = None) -> Any:
    """A router of four experts over tokens of width 6."""
    from atlas_cli.nets.moe import Router

    made = Router(6, 4, top_k, capacity)
    made.weight.data = draw.normal(4, 6)
    return made


def undecided(top_k: int) -> Any:
    """One to whom all four experts are the same."""
    from atlas_cli.nets.moe import Router

    made = Router(6, 4, top_k)
    made.weight.data.zero_()
    return made
