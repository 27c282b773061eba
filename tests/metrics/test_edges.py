"""Edges against scipy, a brute-force search for ridges, a circle, and the metric's closed forms."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from atlas_cli.metrics.edges import THRESHOLD, edge_agreement, edge_map, sobel


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def test_sobel_equals_scipy_on_the_mean_over_channels() -> None:
    images = noise(3, 2, 9, 12)
    right, down = sobel(images)
    for i, grey in enumerate(images.mean(1).numpy()):
        for ours, axis in ((right, 1), (down, 0)):
            np.testing.assert_allclose(ours[i, 0], ndimage.sobel(grey, axis, mode="nearest"), atol=1e-5)


def test_edges_are_the_ridges_of_the_gradient_and_no_others() -> None:
    image = noise(1, 1, 16, 16)
    right, down = (g[0, 0].double().numpy() for g in sobel(image))
    size = np.pad(np.hypot(right, down) / 8, 1)
    expected = np.zeros((16, 16))
    for y in range(16):
        for x in range(16):
            angle = np.degrees(np.arctan2(down[y, x], right[y, x])) % 180
            nearest = min((0, 45, 90, 135, 180), key=lambda octant: abs(octant - angle))
            dy, dx = {0: (0, 1), 45: (1, 1), 90: (1, 0), 135: (1, -1), 180: (0, 1)}[nearest]
            here, ahead, behind = (size[y + 1 + k * dy, x + 1 + k * dx] for k in (0, 1, -1))
            expected[y, x] = here > THRESHOLD and here > ahead and here >= behind
    assert expected.sum() > 20
    np.testing.assert_array_equal(edge_map(image)[0, 0], expected)


@pytest.mark.parametrize("turns", range(4))
def test_a_step_is_one_line_one_pixel_wide(turns: int) -> None:
    step = torch.full((1, 1, 10, 10), -1.0)
    step[..., 6:] = 1.0
    edges = edge_map(torch.rot90(step, turns, (2, 3)))[0, 0]
    assert edges.sum() == 10
    assert sorted(edges.sum(turns % 2).tolist()) == [0.0] * 9 + [10.0]


def test_a_disc_has_its_circle_for_an_edge() -> None:
    y, x = np.mgrid[:28, :28]
    radius = np.hypot(y - 13.7, x - 14.2)
    disc = torch.tensor(np.clip(8 - radius, -0.5, 0.5) * 2, dtype=torch.float32)[None, None]
    edges = edge_map(disc)[0, 0].numpy() > 0
    assert np.abs(radius[edges] - 8).max() < 0.8
    angles = np.linspace(0, 2 * np.pi, 200)
    circle = np.stack([13.7 + 8 * np.sin(angles), 14.2 + 8 * np.cos(angles)], 1)
    gaps = np.linalg.norm(circle[:, None] - np.argwhere(edges)[None], axis=2).min(1)
    assert gaps.max() < 1.3


def test_edges_turn_with_the_image_and_do_not_mind_its_negative() -> None:
    images = noise(4, 1, 11, 11, seed=3)
    edges = edge_map(images)
    for turns in (1, 2, 3):
        assert torch.equal(edge_map(torch.rot90(images, turns, (2, 3))), torch.rot90(edges, turns, (2, 3)))
    assert torch.equal(edge_map(images.flip(3)), edges.flip(3))
    assert torch.equal(edge_map(-images), edges)


def test_a_flat_image_and_a_faint_step_have_none() -> None:
    flat = torch.full((1, 1, 8, 8), 0.4)
    faint = flat.clone()
    faint[..., 4:] += 2 * THRESHOLD * 0.9
    assert edge_map(flat).sum() == 0
    assert edge_map(faint).sum() == 0
    faint[..., 4:] += 2 * THRESHOLD * 0.2
    assert edge_map(faint).sum() == 8


def test_the_maps_are_the_same_under_autocast() -> None:
    images = noise(2, 1, 28, 28)
    plain = edge_map(images)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(edge_map(images), plain)


def points(*places: tuple[int, int]) -> torch.Tensor:
    edges = torch.zeros(1, 1, 9, 9)
    for y, x in places:
        edges[0, 0, y, x] = 1
    return edges


@pytest.mark.parametrize(
    ("drawn", "f1", "exact"),
    [
        ([(2, 2), (6, 6)], 1.0, 1.0),
        ([(2, 3), (5, 6)], 1.0, 0.0),  # each a pixel aside
        ([(3, 3), (7, 7)], 0.0, 0.0),  # a pixel aside and one below is too far
        ([(2, 4), (6, 8)], 0.0, 0.0),  # two pixels
        ([(2, 2)], 2 / 3, 2 / 3),  # all of it wanted, half of what was wanted
        ([(2, 2), (6, 6), (0, 8), (8, 0)], 2 / 3, 2 / 3),  # all there, half of it not asked for
        ([], 0.0, 0.0),
    ],
)
def test_agreement_of_two_points(drawn: list[tuple[int, int]], f1: float, exact: float) -> None:
    wanted = points((2, 2), (6, 6))
    assert edge_agreement(points(*drawn), wanted)["edge_f1"] == pytest.approx(f1)
    assert edge_agreement(points(*drawn), wanted, tolerance=False)["edge_f1"] == pytest.approx(exact)


def test_precision_and_recall_equal_dilation_with_scipys_cross_and_images_count_alike() -> None:
    drawn, wanted = ((noise(5, 1, 12, 12, seed=s) > 0.7).float() for s in (1, 2))
    figures = edge_agreement(drawn, wanted)
    shares = []
    for a, b in zip(drawn[:, 0].numpy() > 0, wanted[:, 0].numpy() > 0, strict=True):
        precision = (a & ndimage.binary_dilation(b)).sum() / a.sum()
        recall = (b & ndimage.binary_dilation(a)).sum() / b.sum()
        shares.append((precision, recall, 2 * precision * recall / (precision + recall)))
    for name, expected in zip(("precision", "recall", "f1"), np.mean(shares, axis=0), strict=True):
        assert figures[f"edge_{name}"] == pytest.approx(expected, abs=1e-6)
