"""A discrete system of three channels, for the exercises on it."""

from __future__ import annotations

from typing import Any

from atlas_cli.exercises.draw import Draw


def system(draw: Draw) -> tuple[Any, Any, Any]:
    """A-bar, B-bar and C, (3, 4) each: real, or complex and standing for pairs."""
    import torch

    size = draw.uniform(0.5, 0.95, 3, 4)
    if draw.number % 2 == 0:
        return size, draw.normal(3, 4), draw.normal(3, 4)
    A_bar = torch.polar(size, draw.uniform(-2.0, 2.0, 3, 4))
    B_bar, C = (torch.complex(draw.normal(3, 4), draw.normal(3, 4)) for _ in range(2))
    return A_bar, B_bar, C
