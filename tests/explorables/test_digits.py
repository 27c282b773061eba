"""Digits at half their size."""

from __future__ import annotations

import numpy as np

from atlas_cli.data.strokes import draw
from atlas_cli.explorables._digits import SEED, SIDE, digits, picture


def test_a_pixel_is_the_mean_of_four_and_labels_are_kept():
    (images, labels), (large, same) = digits(20), draw(20, SEED)
    assert (labels == same).all()
    for i in (0, 7):
        small = images[i].reshape(SIDE, SIDE)
        assert np.isclose(small[6, 5], large[i, 12:14, 10:12].mean() / 255)
    assert images.min() >= 0
    assert images.max() <= 1


def test_a_picture_is_clipped_and_rounded():
    shown = picture(np.linspace(-1, 2, SIDE * SIDE))
    assert shown.shape == (SIDE, SIDE)
    assert (shown.min(), shown.max()) == (0, 1)
