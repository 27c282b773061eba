"""A user's own picture in colour, sized and lit as the scenes of `shapes` are: what is drawn, on dark ground.

Paper:   as for a drawing, the median colour along the border; what differs from it is laid on the dark.
Place:   as it stands; a picture that is no square gets ground on its two sides.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from atlas_cli.data.drawing import _ink, _pixels
from atlas_cli.data.shapes import DARKEST, LIGHTEST

GROUND = (DARKEST + LIGHTEST) / 2


def read_picture(path: Path, size: int) -> NDArray[np.float32]:
    """The picture in a file of any size and mode, as (3, size, size) in [0, 1]; an empty one is all ground.

    Raises:
        DataError: the file cannot be read as a picture.
    """
    picture = _pixels(path)
    pixels = (np.asarray(picture) / 255).astype(np.float32)  # (H, W, 4)
    if picture.size == (size, size) and _border(pixels[..., :3]).max() <= LIGHTEST:
        return np.ascontiguousarray(pixels[..., :3].transpose(2, 0, 1))  # as the scenes are
    ink = _ink(picture)[..., None]  # (H, W, 1)
    scene = GROUND + ink * (pixels[..., :3] - GROUND)
    side = max(ink.shape[:2])
    square = np.full((side, side, 3), GROUND, np.float32)
    top, left = ((side - n) // 2 for n in ink.shape[:2])
    square[top : top + ink.shape[0], left : left + ink.shape[1]] = scene
    planes = [
        np.asarray(Image.fromarray(square[..., c]).resize((size, size), Image.Resampling.BOX))
        for c in range(3)
    ]
    return np.stack(planes).clip(0, 1).astype(np.float32)


def _border(colour: NDArray[np.float32]) -> NDArray[np.float32]:
    """The median colour along the border."""
    rim = np.concatenate([colour[0], colour[-1], colour[:, 0], colour[:, -1]])
    median: NDArray[np.float32] = np.median(rim, axis=0)
    return median
