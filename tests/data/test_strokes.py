"""Strokes: place and size of the ink, the curve against its definition, real digits read by their reader."""

import os
import struct
import time
from pathlib import Path

import numpy as np
import pytest

from atlas_cli.data import strokes
from atlas_cli.data.stroke_skeletons import SKELETONS

REAL = (
    Path(os.environ.get("ATLAS_TEST_DATA", Path(__file__).parents[3] / "shared" / "data")) / "MNIST" / "raw"
)


@pytest.fixture(scope="module")
def drawn():
    return strokes.draw(4000, 0)


def test_shapes_and_types(drawn):
    images, labels = drawn
    assert images.shape == (4000, 28, 28)
    assert images.dtype == np.uint8
    assert labels.shape == (4000,)
    assert labels.dtype == np.int64


@pytest.mark.parametrize("n", [0, 1, strokes.BATCH, strokes.BATCH + 1])
def test_any_number_can_be_drawn(n):
    images, labels = strokes.draw(n, 3)
    assert len(images) == len(labels) == n


def test_equal_seeds_give_equal_digits_and_others_do_not():
    (a, la), (b, lb), (c, lc) = strokes.draw(300, 7), strokes.draw(300, 7), strokes.draw(300, 8)
    np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(la, lb)
    assert (la != lc).any()
    assert (a != c).any()


def test_drawing_leaves_the_global_generator_alone():
    before = np.random.get_state()[1].copy()
    strokes.draw(10, 0)
    np.testing.assert_array_equal(before, np.random.get_state()[1])


def test_no_two_digits_are_alike(drawn):
    images, _ = drawn
    assert len(np.unique(images.reshape(len(images), -1), axis=0)) == len(images)


def test_ink_is_white_on_black(drawn):
    images, _ = drawn
    assert (images.max((1, 2)) > 150).all()  # no digit is faint, however thin its pen
    assert np.median(images.max((1, 2))) == 255
    assert (images.min((1, 2)) == 0).all()
    assert 25 < images.mean() < 42  # MNIST: 33.3


def test_ink_has_the_place_and_size_of_mnist(drawn):
    images, _ = drawn
    grid, total = np.arange(28), images.sum((1, 2), dtype=float)
    for axis in (1, 2):  # the centre of mass is within the half pixel that a shift by whole pixels leaves
        mass = images.sum(axis, dtype=float) @ grid / total
        assert np.abs(mass - 14).max() < 0.75  # .5, and a little where ink has left the frame
        assert abs(mass.mean() - 14) < 0.05
    sides = np.stack([(images > 127).any(axis).sum(1) for axis in (1, 2)]).max(0)
    assert sides.max() <= 22
    assert (
        sides >= 19
    ).mean() > 0.97  # the longer side fills the box of 20 px, unless the pen was light at its end


def test_every_class_is_equally_likely(drawn):
    counts = np.bincount(drawn[1], minlength=10)
    assert np.abs(counts - 400).max() < 5 * np.sqrt(400 * 0.9)


def test_labels_name_the_skeleton_that_was_drawn(monkeypatch):
    """With an unerring hand and one skeleton a digit, all images of a class are the same."""
    for name in ("JITTER", "WARP", "ASPECT_SPREAD", "SLANT_SPREAD", "ROTATION", "RADIUS_SPREAD", "PRESSURE"):
        monkeypatch.setattr(strokes, name, 0.0)
    first = {d: dict([next(iter(SKELETONS[d].items()))]) for d in SKELETONS}
    monkeypatch.setattr(strokes, "SKELETONS", first)
    strokes._table.cache_clear()
    try:
        images, labels = strokes.draw(400, 0)
    finally:
        strokes._table.cache_clear()
    ink = images.reshape(400, -1).astype(float)
    means = np.stack([ink[labels == d].mean(0) for d in range(10)])
    distance = ((ink[:, None] - means) ** 2).mean(-1)  # (400, 10)
    np.testing.assert_array_equal(distance.argmin(1), labels)
    assert np.sqrt(distance.min(1)).max() < 12  # grey levels: the edge and the blur still vary


def test_table_holds_every_skeleton_once():
    table = strokes._table()
    assert list(np.bincount(table.digit)) == [len(SKELETONS[d]) for d in range(10)]
    assert len(table.digit) >= 80
    assert (np.diff(table.digit) >= 0).all()
    np.testing.assert_allclose(table.weight.sum(-1)[np.arange(len(table.digit)), 0], 1, atol=1e-6)


def test_catmull_rom_meets_its_points_and_keeps_lines():
    np.testing.assert_allclose(strokes._catmull_rom(0.0), [0, 1, 0, 0])
    np.testing.assert_allclose(strokes._catmull_rom(1.0), [0, 0, 1, 0], atol=1e-12)
    for u in np.linspace(
        0, 1, 9
    ):  # equally spaced points on a line: the curve is the line, at constant speed
        assert np.dot(strokes._catmull_rom(u), [-1, 0, 1, 2]) == pytest.approx(u)


def test_corner_is_sharp_and_curve_is_not():
    def turn(text):  # cosine between the segments before and after the middle point
        points, index, weight = strokes._parse(text)
        ends = (points[index] * weight[..., None]).sum(2)  # (S, 2, 2)
        d = (ends[:, 1] - ends[:, 0])[strokes.SAMPLES - 1 : strokes.SAMPLES + 1]
        return d[0] @ d[1] / np.prod(np.linalg.norm(d, axis=-1))

    assert turn("0,0 50,0! 50,50") == pytest.approx(0, abs=1e-6)
    assert turn("0,0 50,0 50,50") > 0.5


def test_distance_is_the_distance_to_a_segment():
    rng = np.random.default_rng(0)
    ends = rng.uniform(4, 24, (3, 5, 2, 2)).astype(np.float32)
    segments = np.array([5, 3, 1])
    got = strokes._distance(ends, np.full((3, 5), 2.0, np.float32), segments)
    y, x = np.mgrid[:28, :28]
    p = np.stack([x, y], -1).astype(float)  # (28, 28, 2)
    for image in range(3):
        away = []
        for a, b in ends[image, : segments[image]].astype(float):
            t = np.clip((p - a) @ (b - a) / ((b - a) @ (b - a)), 0, 1)
            away.append(np.linalg.norm(p - a - t[..., None] * (b - a), axis=-1))
        # the root of a difference in float32 loses digits close to the curve, where the ink is full anyway
        np.testing.assert_allclose(got[image], np.min(away, 0) / 2.0, atol=2e-2)


def test_thousands_are_drawn_in_a_second():
    strokes.draw(10, 0)
    start = time.perf_counter()
    strokes.draw(1000, 0)
    assert time.perf_counter() - start < 5  # about .1 s; the bar only catches a lost vectorisation


@pytest.mark.learn
@pytest.mark.timeout(900)  # 40 s of one free core
@pytest.mark.skipif(not REAL.is_dir(), reason="no real MNIST digits on this machine")
def test_reader_of_strokes_alone_reads_real_digits():
    """45,000 strokes, 5 epochs, no real image: the strokes must cover how people write."""
    images, labels = _real("t10k")
    read = _predict(_train(*strokes.draw(45_000, 0), epochs=5), images)
    confusion = np.zeros((10, 10), int)
    np.add.at(confusion, (labels, read), 1)
    accuracy = (read == labels).mean()
    print(f"\nreal digits read: {accuracy:.4f} of {len(labels)}; rows are true, columns read\n{confusion}")
    assert accuracy >= 0.96


def _real(split: str) -> tuple[np.ndarray, np.ndarray]:
    """One split in IDX format: images (n, 28, 28), labels (n,)."""
    raw = (REAL / f"{split}-images-idx3-ubyte").read_bytes()
    marks = (REAL / f"{split}-labels-idx1-ubyte").read_bytes()
    _, n, height, width = struct.unpack(">4i", raw[:16])
    images = np.frombuffer(raw, np.uint8, offset=16).reshape(n, height, width)
    return images, np.frombuffer(marks, np.uint8, offset=8).astype(np.int64)


def _train(images: np.ndarray, labels: np.ndarray, epochs: int, batch_size: int = 128, lr: float = 3e-3):
    import torch
    from torch import nn

    def block(n_in: int, n_out: int) -> list[nn.Module]:
        # pooled before the norm and channels last: twice as fast, equally good
        return [nn.Conv2d(n_in, n_out, 3, padding=1), nn.MaxPool2d(2), nn.BatchNorm2d(n_out), nn.ReLU()]

    torch.manual_seed(0)
    layers = [
        *block(1, 16),
        *block(16, 32),
        *block(32, 64),
        nn.Flatten(),
        nn.Dropout(0.2),
        nn.Linear(64 * 9, 10),
    ]
    net = nn.Sequential(*layers).to(memory_format=torch.channels_last)
    loss_fn = nn.CrossEntropyLoss(label_smoothing=0.05)
    x, y = torch.from_numpy(images)[:, None], torch.from_numpy(labels)  # (n, 1, 28, 28) uint8
    steps = epochs * (len(x) // batch_size)
    optimizer = torch.optim.AdamW(net.parameters(), lr=lr, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, steps, pct_start=0.2)
    for step in range(steps):
        place = step * batch_size % (len(x) // batch_size * batch_size)
        if place == 0:
            order = torch.randperm(len(x))
        rows = order[place : place + batch_size]
        optimizer.zero_grad()
        loss_fn(net(x[rows] / 255), y[rows]).backward()
        optimizer.step()
        schedule.step()
    return net.eval()


def _predict(net, images: np.ndarray) -> np.ndarray:
    import torch

    with torch.no_grad():
        return net(torch.from_numpy(images.copy())[:, None] / 255).argmax(1).numpy()
