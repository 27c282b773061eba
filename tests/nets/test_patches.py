"""Patches: which pixels are in which row, and that no two places are called the same."""

from __future__ import annotations

import torch

from atlas_cli.nets.patches import grid_positions, to_image, to_patches


def test_rows_hold_the_pixels_of_their_patch_from_left_to_right_and_top_to_bottom() -> None:
    image = torch.arange(24.0).view(1, 1, 4, 6)
    assert to_patches(image, 2).tolist()[0][:4] == [
        [0, 1, 6, 7],
        [2, 3, 8, 9],
        [4, 5, 10, 11],
        [12, 13, 18, 19],
    ]


def test_patches_laid_side_by_side_are_the_image() -> None:
    image = torch.randn(2, 3, 8, 12)
    assert torch.equal(to_image(to_patches(image, 4), 4, 12), image)


def test_every_place_has_its_own_vector_half_of_it_the_rows() -> None:
    places = grid_positions(5, 7, 16)
    assert places.shape == (35, 16)
    assert torch.cdist(places, places).add(torch.eye(35)).min() > 0.05
    by_row = places.view(5, 7, 16)
    assert torch.equal(by_row[:, 0, :8], by_row[:, 6, :8])
    assert torch.equal(by_row[0, :, 8:], by_row[4, :, 8:])
