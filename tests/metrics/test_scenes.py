"""The reader of scenes: real ones are read exactly, noise and wrong captions never pass."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from atlas_cli import data
from atlas_cli.data.scenes import SceneSource
from atlas_cli.metrics.scenes import UNKNOWN, read, scene_accuracy


@pytest.fixture(scope="module")
def source() -> SceneSource:
    loaded = data.load({"name": "shapes", "n_train": 1_000, "n_test": 500})
    assert isinstance(loaded, SceneSource)
    return loaded


def test_real_scenes_are_as_their_captions_say(source: SceneSource) -> None:
    assert scene_accuracy(source.train.data, source.train.captions) >= 0.98
    assert scene_accuracy(source.unseen.data, source.unseen.captions) >= 0.98


def test_every_thing_is_found_with_its_box(source: SceneSource) -> None:
    for seen, things, boxes in zip(
        read(source.test.data), source.test.things.tolist(), source.test.boxes.numpy(), strict=True
    ):
        present = [k for k in range(2) if things[k][0] >= 0]
        assert len(seen) == len(present)
        for k in present:
            nearest = min(seen, key=lambda s: np.abs(np.array(s.box) - boxes[k]).max())
            assert [nearest.size, nearest.colour, nearest.shape] == things[k]
            assert np.abs(np.array(nearest.box) - boxes[k]).max() < 1  # px


def test_a_little_noise_does_not_matter(source: SceneSource) -> None:
    noise = torch.randn(source.test.data.shape, generator=torch.Generator().manual_seed(0))
    assert scene_accuracy((source.test.data + 0.1 * noise).clamp(-1, 1), source.test.captions) >= 0.98


def test_noise_is_no_scene(source: SceneSource) -> None:
    random = torch.Generator().manual_seed(0)
    shape = source.test.data.shape
    uniform = 2 * torch.rand(shape, generator=random) - 1
    coarse = torch.nn.functional.interpolate(2 * torch.rand(*shape[:2], 8, 8, generator=random) - 1, size=32)
    empty = torch.full(shape, -0.8)
    for images in (uniform, coarse, empty):
        assert scene_accuracy(images, source.test.captions) < 0.02


def test_a_wrong_caption_does_not_pass(source: SceneSource) -> None:
    others = source.train.captions[1:] + source.train.captions[:1]
    assert scene_accuracy(source.train.data, others) < 0.02


@pytest.mark.parametrize(
    ("old", "new"),
    [("red", "blue"), ("circle", "square"), ("small", "large"), ("left of", "above"), ("square", "triangle")],
)
def test_one_wrong_word_does_not_pass(source: SceneSource, old: str, new: str) -> None:
    rows = [
        i
        for i, c in enumerate(source.train.captions)
        if c.count(old.split()[0]) == 1 and old in c and new not in c
    ]
    changed = [source.train.captions[i].replace(old, new) for i in rows]
    assert len(rows) > 50
    assert scene_accuracy(source.train.data[rows], changed) < 0.02


def test_things_in_exchanged_places_do_not_pass(source: SceneSource) -> None:
    rows, exchanged = [], []
    for i, caption in enumerate(source.train.captions):
        first, _, second = caption.partition(" left of ")
        if second and first.split()[-2:] != second.split()[-2:]:  # of two of a kind either may be meant
            rows.append(i)
            exchanged.append(f"{second} left of {first}")
    assert len(rows) > 50
    assert scene_accuracy(source.train.data[rows], exchanged) < 0.02


def test_what_has_no_colour_or_no_outline_of_the_palette_is_unknown() -> None:
    scene = torch.full((3, 3, 32, 32), -0.9)
    scene[0, :, 10:20, 10:20] = 0.9  # white
    scene[1, 0, 15:17, 3:29] = 0.8  # a red bar
    scene[2, 0, 10:20, 10:15] = 0.8  # half red, half blue
    scene[2, 2, 10:20, 15:20] = 0.9
    white, bar, halves = read(scene)
    assert [s.colour for s in white] == [UNKNOWN]
    assert [s.shape for s in bar] == [UNKNOWN]
    assert [s.colour for s in halves] == [UNKNOWN]
