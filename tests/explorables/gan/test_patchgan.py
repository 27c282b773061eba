"""The receptive field: what the gradient reaches is what the arithmetic says."""

from __future__ import annotations

import numpy as np
import pytest

from atlas_cli.explorables.gan import patchgan


@pytest.mark.parametrize(("strided", "side"), [(1, 16), (2, 34), (3, 70), (5, 286)])
def test_kernels_of_four_give_the_patches_of_pix2pix(strided: int, side: int):
    """16, 70 and 286 pixels are those of Isola et al., section 4.4 and its appendix."""
    assert patchgan.field(strided, 4)[0] == side


@pytest.mark.parametrize("kernel", patchgan.KERNELS)
@pytest.mark.parametrize("strided", patchgan.LAYERS)
def test_the_gradient_reaches_the_patch_and_nothing_else(strided: int, kernel: int):
    n = patchgan.n_outputs(strided, kernel)
    for row, column in {(0, 0), (n // 2, n // 3), (n - 1, n - 1)}:
        reached = patchgan.influence(strided, kernel, row, column) > 0
        expected = np.zeros_like(reached)
        expected[
            slice(*patchgan.span(strided, kernel, row)), slice(*patchgan.span(strided, kernel, column))
        ] = True
        assert (reached == expected).all()


@pytest.mark.parametrize("kernel", patchgan.KERNELS)
@pytest.mark.parametrize("strided", patchgan.LAYERS)
def test_the_network_has_as_many_outputs_as_counted(strided: int, kernel: int):
    import torch

    image = torch.zeros(1, 1, patchgan.SIDE, patchgan.SIDE, dtype=torch.float64)
    n = patchgan.n_outputs(strided, kernel)
    assert patchgan.network(strided, kernel)(image).shape == (1, 1, n, n)


def test_far_from_the_edge_the_gradient_is_a_product_of_path_counts():
    """One strided layer of 4, then two of 4: ways along one axis are a convolution of boxes."""
    box, spread = np.ones(4), np.zeros(13)
    spread[::2] = np.convolve(box, box)  # seven places, two pixels apart
    ways = np.convolve(spread, box) / 64
    row = patchgan.influence(1, 4, 12, 12)
    found = row[row.sum(1) > 0][:, row.sum(0) > 0]
    assert found == pytest.approx(np.outer(ways, ways))


def test_places_move_the_patch_from_corner_to_corner():
    lit = [np.array(patchgan.patchgan(2, 4, place).panels[0][0].images[0]) for place in (1, 9)]
    assert lit[0][:10, :10].min() >= 0.25 > lit[0][-10:, -10:].min()
    assert lit[1][-10:, -10:].min() >= 0.25 > lit[1][:10, :10].min()
