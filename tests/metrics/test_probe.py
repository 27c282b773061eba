"""Probes on features whose worth is known, and distances on the sphere in closed form."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from atlas_cli import shelf
from atlas_cli.metrics import probe
from atlas_cli.metrics.probe import Labelled


def classes(n: int, apart: float, seed: int = 0) -> Labelled:
    """Ten Gaussian clouds whose means lie `apart` standard deviations from the middle."""
    random = torch.Generator().manual_seed(seed)
    label = torch.arange(n) % 10
    return Labelled(apart * F.one_hot(label).float() + torch.randn(n, 10, generator=random), label)


def test_features_that_tell_the_class_are_read_and_noise_is_not() -> None:
    told = probe.probe(classes(1_000, 20.0), classes(500, 20.0, 1))
    assert told == {"probe": 1.0, "probe_100": 1.0, "knn": 1.0}
    noise = probe.probe(classes(1_000, 0.0), classes(500, 0.0, 1))
    assert all(value == pytest.approx(0.1, abs=0.06) for value in noise.values())


def test_more_labels_help_where_classes_overlap() -> None:
    figures = probe.probe(classes(2_000, 2.5), classes(1_000, 2.5, 1))
    assert figures["probe"] > figures["probe_100"] + 0.02


def test_scale_and_place_of_the_features_change_no_linear_probe() -> None:
    train, test = classes(600, 2.0), classes(300, 2.0, 1)
    moved = [Labelled(3 * part.x + 100, part.label) for part in (train, test)]
    assert probe.probe(*moved)["probe"] == pytest.approx(probe.probe(train, test)["probe"], abs=0.01)


def test_a_small_set_has_as_many_of_each_class_and_another_draw_is_another() -> None:
    label = torch.randint(0, 10, (5_000,), generator=torch.Generator().manual_seed(0))
    chosen = probe.even_shares(label, 100, 0)
    assert (label[chosen].bincount() == 10).all()
    assert len(chosen.unique()) == 100
    assert set(chosen.tolist()) != set(probe.even_shares(label, 100, 1).tolist())


def test_neighbours_go_by_angle_and_near_ones_count_more() -> None:
    train = Labelled(torch.tensor([[1.0, 0.0], [0.0, 100.0], [0.9, 0.1]]), torch.tensor([0, 1, 0]))
    test = Labelled(torch.tensor([[5.0, 0.1], [0.1, 0.2]]), torch.tensor([0, 0]))
    assert probe.knn_accuracy(train, test) == 1.0  # of the second, two votes of .45 and .55 beat one of .89


def test_alignment_and_uniformity_of_a_square() -> None:
    square = torch.tensor([[1.0, 0], [0, 1], [-1, 0], [0, -1]])
    assert probe.alignment(square, square) == 0
    assert probe.alignment(square, -square) == pytest.approx(4)
    assert probe.alignment(square, square.roll(1, 0)) == pytest.approx(2)
    mean = (4 * math.exp(-4) + 2 * math.exp(-8)) / 6  # four sides of squared length 2, two diagonals of 4
    assert probe.uniformity(square) == pytest.approx(math.log(mean), rel=1e-5)
    assert probe.uniformity(torch.ones(5, 3)) == pytest.approx(0, abs=1e-5)


def test_the_spread_of_an_even_cloud_is_one_and_of_a_point_nought() -> None:
    cloud = torch.randn(20_000, 32, generator=torch.Generator().manual_seed(0))
    assert probe.spread(cloud).item() == pytest.approx(1, abs=0.01)
    assert probe.spread(cloud + 100).item() < 0.02
    assert probe.spread(torch.ones(9, 4)).item() == pytest.approx(0, abs=1e-6)


def test_pixels_are_probed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: dict[str, tuple[str, object]] = {}
    monkeypatch.setattr(shelf, "put", lambda slot, mark, answer: kept.update({slot: (mark, answer)}))
    monkeypatch.setattr(shelf, "get", lambda slot, mark: kept[slot][1] if slot in kept else None)
    train, test = classes(200, 3.0), classes(100, 3.0, 1)
    first = probe.pixel_probe(train, test)
    monkeypatch.setattr(probe, "probe", lambda *_: {})
    assert probe.pixel_probe(train, test) == first != {}
    assert probe.pixel_probe(classes(200, 0.0), test) == {}  # other images


def test_two_components_show_what_varies_most() -> None:
    random = torch.Generator().manual_seed(0)
    x = torch.randn(300, 5, generator=random, dtype=torch.float64) * torch.tensor([0.01, 1, 0.01, 0.3, 0.01])
    x = x + torch.tensor([10.0, 0, 0, 0, 0])  # far from the origin: on the sphere it is flat there
    points = probe.plane(x)
    for axis, column in ((0, 1), (1, 3)):
        assert abs(np.corrcoef(points[:, axis], x[:, column])[0, 1]) > 0.99
    assert np.array_equal(points, probe.plane(x.clone()))


def test_tsne_keeps_clouds_apart_and_other_ways_are_refused() -> None:
    cloud = classes(60, 30.0)
    points = probe.plane(cloud.x, "tsne")
    label = cloud.label.numpy()
    centres = np.stack([points[label == k].mean(0) for k in range(10)])
    nearest = np.linalg.norm(points[:, None] - centres, axis=2).argmin(1)
    assert (nearest == label).mean() > 0.95
    with pytest.raises(ValueError, match="umap is neither pca nor tsne"):
        probe.way("umap")
