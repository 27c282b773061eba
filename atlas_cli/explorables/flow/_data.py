"""The data of the flow explorables: a mixture of Gaussians, so that the best velocity is known exactly."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from atlas_cli.explorables._mixtures import Mixture

PLANE = (-3.0, 3.0, -3.0, 3.0)
RING_STD = 0.2
WINDOW = (-2.6, 2.6, -2.6, 2.6)  # as far as paths from noise to data go
N_CORNERS = 24  # of a circle
N_CLOUD = 150  # points of a cloud that are drawn


@cache
def ring() -> Mixture:
    """Six modes on a circle."""
    from atlas_cli.explorables._mixtures import equal_mixture

    places = [(2 * math.cos(k * math.pi / 3), 2 * math.sin(k * math.pi / 3)) for k in range(6)]
    return equal_mixture(places, RING_STD)


def mode_circles(radius: float) -> list[list[tuple[float, float]]]:
    """Around each mode a closed path, to be drawn."""
    turn = [2 * math.pi * k / N_CORNERS for k in range(N_CORNERS)]
    return [
        [(x + radius * math.cos(a), y + radius * math.sin(a)) for a in turn] for x, y in ring().means.tolist()
    ]


def normal(n: int, seed: int) -> Tensor:
    """Noise: n points of the plane, (n, 2)."""
    import torch

    return torch.randn(n, 2, generator=torch.Generator().manual_seed(seed))
