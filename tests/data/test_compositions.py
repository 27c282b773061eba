"""Compositions: what each split may say, that the picture shows it, and that equal seeds draw alike."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch

from atlas_cli import data
from atlas_cli.data import captions
from atlas_cli.data.compositions import SIDE, WORDS, CompositionSource, draw, sentences
from atlas_cli.data.shapes import HELD_OUT
from atlas_cli.errors import UsageError

SPLITS = ("train", "test", "regrouped", "unseen")


@pytest.fixture(scope="module")
def source() -> CompositionSource:
    loaded = data.load({"name": "compositions", "n_train": 3_000, "n_test": 500})
    assert isinstance(loaded, CompositionSource)
    return loaded


def said(source: CompositionSource, split: str) -> set[str]:
    return set(getattr(source, split).captions)


def named(caption: str) -> list[tuple[str, str]]:
    """Colour and shape of each thing of a caption."""
    return [(captions.COLOURS[t.colour], captions.SHAPES[t.shape]) for t in captions.parse(caption).things]


def test_no_sentence_of_the_examination_is_in_the_training(source: CompositionSource) -> None:
    assert said(source, "test") <= {*map(caption_of, sentences("train"))}
    for split in ("regrouped", "unseen"):
        assert not said(source, split) & {*map(caption_of, sentences("train"))}


def caption_of(row: np.ndarray) -> str:
    first, relation, second = row
    n = len(captions.SHAPES)
    words = [f"a {captions.COLOURS[k // n]} {captions.SHAPES[k % n]}" for k in (first, second)]
    return f" {captions.RELATIONS[relation]} ".join(words)


def test_regrouped_things_are_all_known_and_one_of_an_unseen_scene_is_new(source: CompositionSource) -> None:
    known = {pair for caption in said(source, "train") for pair in named(caption)}
    every = set(product(captions.COLOURS, captions.SHAPES))
    assert known == every - set(HELD_OUT)
    assert {pair for caption in said(source, "regrouped") for pair in named(caption)} == known
    for caption in said(source, "unseen"):
        assert sum(pair in HELD_OUT for pair in named(caption)) == 1


@pytest.mark.parametrize("kept", [1, 2])
def test_fewer_pairs_are_kept_out_if_asked(kept: int) -> None:
    """The rest of the held-out pairs is trained on; what is asked as unseen has one that is not."""
    loaded = data.load({"name": "compositions", "n_train": 3_000, "n_test": 200, "kept_pairs": kept})
    assert isinstance(loaded, CompositionSource)
    known = {pair for caption in said(loaded, "train") for pair in named(caption)}
    assert known == set(product(captions.COLOURS, captions.SHAPES)) - set(HELD_OUT[:kept])
    for caption in said(loaded, "unseen"):
        assert sum(pair in HELD_OUT[:kept] for pair in named(caption)) == 1


def test_every_word_and_every_known_thing_is_said_of_both_places_in_training() -> None:
    rows = sentences("train")
    for place in (0, 2):
        assert len({*rows[:, place]}) == len(captions.COLOURS) * len(captions.SHAPES) - len(HELD_OUT)
    assert {*rows[:, 1]} == {0, 1}


def test_the_splits_are_of_a_useful_size() -> None:
    sizes = {split: len(sentences(split)) for split in ("train", "regrouped", "unseen")}
    assert sum(sizes.values()) + 3 * 3 * 2 == 12 * 2 * 12  # those with two new things are in no split
    assert 0.15 < sizes["regrouped"] / (sizes["train"] + sizes["regrouped"]) < 0.25


@pytest.mark.parametrize("split", SPLITS)
def test_things_stand_as_their_caption_says_and_inside(source: CompositionSource, split: str) -> None:
    scenes = getattr(source, split)
    boxes = scenes.boxes.numpy()
    assert boxes.min() >= 0
    assert boxes.max() <= SIDE
    centres = (boxes[..., :2] + boxes[..., 2:]) / 2
    for caption, (first, second) in zip(scenes.captions, centres.tolist(), strict=True):
        relation = captions.parse(caption).relation
        assert relation is not None
        assert captions.holds(relation, tuple(first), tuple(second))


def test_a_box_holds_the_pixels_of_its_thing(source: CompositionSource) -> None:
    images, boxes = source.test.images.float(), source.test.boxes
    for image, two in zip(images[:100], boxes[:100], strict=True):
        bright = (image.amax(0) - image[:, 0, 0].max() > 60).nonzero().float()  # y, x
        # Centres of pixels lie at one half, and the rim of a thing is a pixel wide.
        inside = [((bright + 1 >= box[[1, 0]]) & (bright <= box[[3, 2]])).all(1) for box in two]
        assert (inside[0] | inside[1]).all()
        assert inside[0].any()
        assert inside[1].any()


def test_tokens_are_those_of_the_words(source: CompositionSource) -> None:
    for row, caption in zip(source.unseen.tokens[:50].tolist(), source.unseen.captions, strict=False):
        assert row == captions.tokenize(caption)[:WORDS]


def test_equal_seeds_draw_alike_and_others_do_not() -> None:
    one, again, other = draw(40, 3), draw(40, 3), draw(40, 4)
    assert all(np.array_equal(a, b) for a, b in zip(one, again, strict=True))
    assert not np.array_equal(one[0], other[0])


def test_no_test_scene_is_a_near_copy_of_a_training_scene(source: CompositionSource) -> None:
    train, test = (s.images.flatten(1).float() for s in (source.train, source.test))
    nearest = torch.cdist(test[:200], train).amin(1)
    among = torch.cdist(train[:200], train[200:]).amin(1)
    assert nearest.min() > 0.5 * among.min() > 0


def test_the_checksum_is_of_all_splits(source: CompositionSource) -> None:
    again = data.load({"name": "compositions", "n_train": 3_000, "n_test": 500})
    assert again.checksum == source.checksum
    again.unseen.images[0, 0, 0, 0] += 1
    del again.checksum
    assert again.checksum != source.checksum


def test_too_few_scenes_are_refused() -> None:
    with pytest.raises(UsageError, match="does not take these fields"):
        data.load({"name": "compositions", "n_test": 0})
