"""The reader of small scenes: exact on drawn ones, at chance on other captions, and part by part."""

from __future__ import annotations

import re

import pytest
import torch

from atlas_cli import data
from atlas_cli.data.compositions import CompositionSource
from atlas_cli.data.shapes import SIZE
from atlas_cli.metrics.compositions import composition_figures, on_canvas


@pytest.fixture(scope="module")
def source() -> CompositionSource:
    loaded = data.load({"name": "compositions", "n_train": 10, "n_test": 1_000})
    assert isinstance(loaded, CompositionSource)
    return loaded


@pytest.mark.parametrize("split", ["test", "regrouped", "unseen"])
def test_drawn_scenes_are_as_their_captions_say(source: CompositionSource, split: str) -> None:
    scenes = getattr(source, split)
    assert set(composition_figures(scenes.data, scenes.captions).values()) == {1.0}


def test_other_captions_hold_as_often_as_chance_has_it(source: CompositionSource) -> None:
    scenes = source.test
    moved = scenes.captions[1:] + scenes.captions[:1]
    expected = sum(a == b for a, b in zip(scenes.captions, moved, strict=True)) / len(moved)
    found = composition_figures(scenes.data, moved)["scene_accuracy"]
    assert found == pytest.approx(expected, abs=1e-9)
    assert found < 0.03


def test_things_that_stand_otherwise_are_bound_and_no_scene(source: CompositionSource) -> None:
    scenes, other = source.test, {"left of": "above", "above": "left of"}
    turned = [re.sub("left of|above", lambda found: other[found[0]], c) for c in scenes.captions]
    assert composition_figures(scenes.data, turned) == {
        "scene_accuracy": 0.0, "bound_accuracy": 1.0, "word_accuracy": 1.0,
    }  # fmt: skip


@pytest.mark.parametrize(("old", "new"), [("red", "blue"), ("circle", "square"), ("square", "triangle")])
def test_a_word_that_is_not_shown_costs_every_figure(source: CompositionSource, old: str, new: str) -> None:
    scenes = source.test
    rows = [i for i, caption in enumerate(scenes.captions) if old in caption and new not in caption]
    wrong = [scenes.captions[i].replace(old, new) for i in rows]
    assert set(composition_figures(scenes.data[rows], wrong).values()) == {0.0}


def test_exchanged_colours_keep_the_words_and_lose_the_bonds(source: CompositionSource) -> None:
    """The fault of a net that knows which words were said and not of what."""
    scenes, rows, wrong = source.test, [], []
    for i, caption in enumerate(scenes.captions):
        words = caption.split()
        if words[1] != words[-2] and words[2] != words[-1]:
            words[1], words[-2] = words[-2], words[1]
            rows.append(i)
            wrong.append(" ".join(words))
    assert composition_figures(scenes.data[rows], wrong) == {
        "scene_accuracy": 0.0, "bound_accuracy": 0.0, "word_accuracy": 1.0,
    }  # fmt: skip


def test_noise_and_an_empty_picture_are_no_scene(source: CompositionSource) -> None:
    shape = source.test.data.shape
    noise = 2 * torch.rand(shape, generator=torch.Generator().manual_seed(0)) - 1
    for images in (noise, torch.full(shape, -0.8)):
        assert composition_figures(images, source.test.captions)["scene_accuracy"] == 0


def test_a_little_noise_does_not_matter(source: CompositionSource) -> None:
    noise = torch.randn(source.test.data.shape, generator=torch.Generator().manual_seed(0))
    noisy = (source.test.data + 0.1 * noise).clamp(-1, 1)
    assert composition_figures(noisy, source.test.captions)["scene_accuracy"] >= 0.97


def test_the_canvas_is_of_the_pictures_own_ground(source: CompositionSource) -> None:
    canvas = on_canvas(source.test.data)
    assert canvas.shape[-2:] == (SIZE, SIZE)
    assert torch.equal(canvas[..., :16, :16], source.test.data)
    assert (canvas[..., 16:, 16:].flatten(2).std(2) == 0).all()
