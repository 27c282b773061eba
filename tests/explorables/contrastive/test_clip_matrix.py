"""The matrix of a batch: its loss is that of its shares."""

from __future__ import annotations

import math

import pytest

from atlas_cli.explorables.contrastive import clip_matrix as drawn
from atlas_cli.explorables.contrastive._matrix import MOST, captions, vectors


@pytest.mark.parametrize("batch", [2, 16])
def test_the_loss_is_minus_the_mean_log_of_the_diagonal_both_ways(batch: int) -> None:
    image, text = (x[:batch] for x in vectors(0.5))
    rows = drawn.shares(batch, 0.1, 0.5)
    columns = (text @ image.T / 0.1).softmax(1)
    by_hand = -(rows.diagonal().log().mean() + columns.diagonal().log().mean()) / 2
    assert drawn.loss_at(batch, 0.1, 0.5) == pytest.approx(float(by_hand))


def test_without_knowledge_and_sharpness_the_loss_is_the_log_of_the_batch() -> None:
    assert drawn.loss_at(64, 1.0, 0.0) == pytest.approx(math.log(64), abs=0.05)


def test_the_same_pairs_in_a_larger_batch_cost_more() -> None:
    losses = [drawn.loss_at(batch, 0.1, 0.75) for batch in drawn.BATCHES]
    assert losses[-1] > losses[1]


def test_equal_captions_have_equal_content() -> None:
    image, text = vectors(1.0)
    assert image.equal(text)
    same = [(i, j) for i in range(MOST) for j in range(i) if captions()[i] == captions()[j]]
    assert same
    assert all(float(image[i] @ image[j]) == pytest.approx(1) for i, j in same)
