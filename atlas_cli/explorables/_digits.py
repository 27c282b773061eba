"""The project's stroke digits at half their size: pixels enough for an eye, and few enough to solve for."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE = 14  # pixels
PIXELS = SIDE * SIDE
SEED = 6


@cache
def digits(n: int) -> tuple[NDArray, NDArray]:
    """n pictures from 0 to 1, (n, PIXELS), each pixel the mean of four, and what they are, (n,)."""
    from atlas_cli.data.strokes import draw

    images, labels = draw(n, SEED)
    small = images.reshape(n, SIDE, 2, SIDE, 2).mean((2, 4)) / 255
    return small.reshape(n, PIXELS), labels


def picture(pixels: NDArray) -> NDArray:
    """Pixels (PIXELS,) as an image, for a frame."""
    shown: NDArray = pixels.reshape(SIDE, SIDE).clip(0, 1).round(2)
    return shown
