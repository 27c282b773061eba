"""k-means on patches, against scikit-learn's and by hand."""

from __future__ import annotations

import numpy as np
import torch
from sklearn.cluster import KMeans

from atlas_cli.data.images import ImageSource
from atlas_cli.systems.autoencoder.patches import Patches, cut, k_means, nearest, paste


def source(n: int = 40) -> ImageSource:
    pixels = np.random.default_rng(2).integers(0, 256, (n, 1, 8, 8), dtype=np.uint8)
    images, labels = torch.from_numpy(pixels), torch.arange(n) % 2
    return ImageSource("noise", images, labels, images[: n // 2], labels[: n // 2], ["a", "b"])


def error(x: torch.Tensor, means: torch.Tensor) -> float:
    return float((x - means[nearest(x, means)]).square().sum(1).mean())


def test_patches_are_cut_row_by_row_and_pasted_back():
    images = torch.arange(2 * 64.0).view(2, 1, 8, 8)
    patches = cut(images, 4)
    assert torch.equal(patches[1], images[0, 0, :4, 4:].flatten())
    assert torch.equal(patches[2], images[0, 0, 4:, :4].flatten())
    assert torch.equal(paste(patches, images.shape, 4), images)


def test_it_is_within_a_fiftieth_of_scikit_learn_s_best_of_ten():
    x = torch.randn(2000, 5, generator=torch.Generator().manual_seed(1))
    own = error(x, k_means(x, 16, torch.Generator().manual_seed(0)))
    theirs = KMeans(16, n_init=10, random_state=0).fit(x.numpy()).inertia_ / len(x)
    assert own < 1.02 * theirs


def test_no_mean_is_left_without_vectors():
    x = torch.cat([torch.zeros(500, 2), torch.randn(60, 2, generator=torch.Generator().manual_seed(1))])
    means = k_means(x, 20, torch.Generator().manual_seed(0))
    assert len(nearest(x, means).unique()) == 20


def test_with_a_mean_for_every_patch_nothing_is_lost():
    given = source(3)
    patches = Patches.fitted(given, 4, 12, 1, torch.Generator().manual_seed(0))
    images = given.train_images.float() / 127.5 - 1
    torch.testing.assert_close(patches.rebuild(images), images, rtol=0, atol=1e-4)


def test_each_stage_leaves_less_over():
    given = source()
    images, _ = given.test()
    errors = [
        (Patches.fitted(given, 4, 8, stages, torch.Generator().manual_seed(0)).rebuild(images) - images)
        .square()
        .mean()
        for stages in (1, 2, 3)
    ]
    assert errors[0] > errors[1] > errors[2]
