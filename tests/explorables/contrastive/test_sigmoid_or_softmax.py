"""Pull and push: the slopes of both losses by their closed forms."""

from __future__ import annotations

import math

import pytest
import torch

from atlas_cli.explorables.contrastive import sigmoid_or_softmax as drawn
from atlas_cli.explorables.contrastive._matrix import vectors


def test_of_the_sigmoid_each_pull_is_what_is_missing_in_the_answer() -> None:
    image, text = (x[:8] for x in vectors(0.5))
    answer = (drawn.SCALE * image @ text.T - 2.0).sigmoid()
    expected = torch.eye(8, dtype=torch.float64) - answer
    torch.testing.assert_close(drawn.pulls("sigmoid", 8, -2.0, 0.5), expected)


@pytest.mark.parametrize("batch", drawn.BATCHES)
def test_of_the_softmax_pull_and_push_are_equal_at_any_batch(batch: int) -> None:
    own, others = drawn.balance("softmax", batch, 0.0, 0.25)
    assert own == pytest.approx(others)


def test_at_the_log_of_the_others_an_ignorant_sigmoid_is_near_balance(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(drawn, "SCALE", 0.0)
    drawn.balance.cache_clear()
    own, others = drawn.balance("sigmoid", 16, -math.log(15), 0.0)
    drawn.balance.cache_clear()
    assert own == pytest.approx(15 / 16)
    assert others == pytest.approx(15 / 16)
