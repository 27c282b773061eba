"""Drawn scenes against the truth that comes with them, and against closed forms of the outlines."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from atlas_cli import data
from atlas_cli.data import captions, shapes
from atlas_cli.data.captions import COLOURS, SHAPES
from atlas_cli.data.scenes import SceneSource
from atlas_cli.draws import BatchRandom


@pytest.fixture(scope="module")
def drawn() -> shapes.Drawn:
    return shapes.draw(2_000, 0)


@pytest.fixture(scope="module")
def source() -> SceneSource:
    return data.load({"name": "shapes", "n_train": 300, "n_test": 200})


def two_of(drawn: shapes.Drawn) -> np.ndarray:
    return drawn.things[:, 1, 0] >= 0


def test_equal_seeds_give_equal_scenes_and_others_give_others() -> None:
    first, again, other = shapes.draw(50, 3), shapes.draw(50, 3), shapes.draw(50, 4)
    for a, b in zip(first, again, strict=True):
        assert np.array_equal(a, b)
    assert not np.array_equal(first.images, other.images)


@pytest.mark.parametrize(("name", "area"), [("circle", math.pi), ("square", 4.0), ("triangle", 2.0)])
def test_the_covered_area_is_that_of_the_outline(name: str, area: float) -> None:
    r = np.array([3.0, 5.0, 6.25], np.float32)
    centre = np.array([[16.0, 16.0], [12.3, 18.9], [20.7, 9.2]], np.float32)
    covered = shapes.coverage(np.full(3, SHAPES.index(name)), centre, r)
    np.testing.assert_allclose(covered.sum((1, 2)), area * r**2, rtol=0.04)
    assert covered.min() == 0
    assert covered.max() == 1


def test_the_triangle_points_up_and_the_others_have_no_up() -> None:
    centre, r = np.array([[16.0, 16.0]] * 3, np.float32), np.array([6.0] * 3, np.float32)
    circle, square, triangle = shapes.coverage(np.arange(3), centre, r)
    assert np.array_equal(circle, circle[::-1])
    assert np.array_equal(square, square.T)
    widths = triangle.sum(1)
    assert (np.diff(widths[10:22]) > 0).all()  # from its tip to its base


def test_boxes_hold_their_things_tightly(drawn: shapes.Drawn) -> None:
    ground = drawn.images[:, :, :1, :1].astype(int)
    ink = np.abs(drawn.images.astype(int) - ground).max(1) > 25  # (N, H, W)
    for i in np.flatnonzero(~two_of(drawn)):
        ys, xs = np.nonzero(ink[i])
        seen = np.array([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1])
        assert np.abs(seen - drawn.boxes[i, 0]).max() <= 1.6, (
            i
        )  # the tip of a triangle is narrower than a pixel
        assert not drawn.boxes[i, 1].any()


def test_things_never_touch_nor_leave_the_scene(drawn: shapes.Drawn) -> None:
    boxes = drawn.boxes[two_of(drawn)]
    assert boxes.min() >= shapes.BORDER - 1e-4
    assert boxes.max() <= shapes.SIZE - shapes.BORDER + 1e-4
    gaps = np.maximum(boxes[:, 1, :2] - boxes[:, 0, 2:], boxes[:, 0, :2] - boxes[:, 1, 2:])  # (N, 2)
    assert gaps.max(1).min() >= shapes.GAP - 1e-4


def test_captions_say_what_is_there(drawn: shapes.Drawn) -> None:
    centres = (drawn.boxes[..., :2] + drawn.boxes[..., 2:]) / 2
    for i, row in enumerate(drawn.tokens):
        claim = captions.parse(captions.detokenize(row))
        assert len(claim.things) == 1 + two_of(drawn)[i]
        for said, (size, colour, shape) in zip(claim.things, drawn.things[i], strict=False):
            assert (said.colour, said.shape) == (colour, shape)
            assert said.size in (None, size)
        if claim.relation is not None:
            dx, dy = np.abs(centres[i, 1] - centres[i, 0])
            assert captions.holds(claim.relation, tuple(centres[i, 0]), tuple(centres[i, 1]))
            assert abs(dx - dy) >= shapes.CLEAR - 1e-3


def test_every_choice_comes_up_as_often_as_it_should(drawn: shapes.Drawn) -> None:
    n, two = len(drawn.things), two_of(drawn)
    assert (~two).mean() == pytest.approx(shapes.ALONE, abs=0.03)
    things = drawn.things[drawn.things[..., 0] >= 0]  # (M, 3)
    pairs = np.bincount(things[:, 1] * len(SHAPES) + things[:, 2], minlength=12)
    assert (pairs > 0).sum() == 12 - len(shapes.HELD_OUT)
    assert pairs[pairs > 0] == pytest.approx(len(things) / 9, rel=0.15)
    words = np.array(
        [[1 + captions.WORDS.index(w) in row.tolist() for w in ("left", "above")] for row in drawn.tokens]
    )
    assert words[two].sum(0) == pytest.approx(two.sum() / 2, rel=0.1)
    assert n == 2_000


def test_held_out_pairs_are_in_every_unseen_scene_and_in_no_other(source: SceneSource) -> None:
    held = {(COLOURS.index(c), SHAPES.index(s)) for c, s in shapes.HELD_OUT}

    def has_one(things: torch.Tensor) -> list[bool]:
        return [any((c, s) in held for _, c, s in scene) for scene in things.tolist()]

    assert not any(has_one(source.train.things))
    assert not any(has_one(source.test.things))
    assert all(has_one(source.unseen.things))
    assert shapes.is_held_out(source.unseen.things.numpy()).any(1).all()
    seen_words = {word for caption in source.train.captions for word in caption.split()}
    assert seen_words == set(captions.WORDS)  # every word is learned, in other company


def test_a_batch_is_training_scenes_with_their_truth(source: SceneSource) -> None:
    batch = source.batch(BatchRandom(0, 1, 16))
    assert batch.data.shape == (16, 3, 32, 32)
    assert -1 <= batch.data.min() < batch.data.max() <= 1
    for image, tokens, things, boxes in zip(
        batch.images, batch.tokens, batch.things, batch.boxes, strict=True
    ):
        (same,) = (source.train.images == image).flatten(1).all(1).nonzero(as_tuple=True)
        assert len(same) == 1
        assert torch.equal(source.train.tokens[same[0]], tokens)
        assert torch.equal(source.train.things[same[0]], things)
        assert torch.equal(source.train.boxes[same[0]], boxes)


def test_train_test_and_unseen_share_no_scene(source: SceneSource) -> None:
    splits = [
        {image.numpy().tobytes() for image in s.images} for s in (source.train, source.test, source.unseen)
    ]
    assert [len(s) for s in splits] == [300, 200, 200]
    assert len(set.union(*splits)) == 700
