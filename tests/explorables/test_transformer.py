"""What the transformer explorables compute, against closed forms."""

from __future__ import annotations

import math

import pytest
import torch

from atlas_cli.explorables import transformer
from tests.explorables.house import check


@pytest.mark.parametrize("shown", transformer.EXPLORABLES, ids=lambda shown: shown.name)
def test_every_setting_is_a_frame_and_every_knob_changes_it(shown):
    check(shown)


@pytest.mark.parametrize("pair", range(4))
@pytest.mark.parametrize("offset", [0, 1, 17])
def test_scores_depend_on_the_offset_alone(pair: int, offset: int):
    scores = [transformer.score(pair, position, offset) for position in (0, 3, 30)]
    assert scores == pytest.approx([math.cos(offset * 100.0 ** (-pair / 4))] * 3)


def test_turns_keep_lengths():
    assert math.hypot(*transformer.turned(0.4, 13, 2)) == pytest.approx(1)


def test_the_cache_has_the_size_of_its_tensors():
    """Keys and values of 32 layers, 8 heads of 128, two bytes each: 128 KiB a token."""
    assert transformer.cache_bytes(1, "MHA") == 2 * 32 * 8 * 128 * 2
    assert transformer.cache_bytes(10, "MQA") * 8 == transformer.cache_bytes(10, "MHA")
    assert transformer.cache_bytes(10, "GQA") * 4 == transformer.cache_bytes(10, "MHA")


def test_without_a_cache_every_step_computes_every_key():
    facts = transformer.kv_cache(3, "MHA").facts
    assert facts["keys without"] == 4 + 5 + 6 + 7
    assert facts["keys with cache"] == 7


def test_the_heatmap_holds_one_column_a_token_and_one_row_a_head():
    rows = transformer.kv_cache(3, "GQA").panels[0][0].rows
    assert sum(value > 0 for row in rows for value in row) == 2 * 7
    assert [row[6] for row in rows[:2]] == [1, 1]


def test_softmax_is_torchs():
    logits = list(transformer.LOGITS.values())
    expected = torch.tensor(logits, dtype=torch.float64).softmax(0).tolist()
    assert transformer.softmax(logits) == pytest.approx(expected)


def test_the_nucleus_is_the_smallest_that_reaches_top_p():
    assert transformer.nucleus([0.5, 0.3, 0.2], 0.5) == [1, 0, 0]
    assert transformer.nucleus([0.2, 0.5, 0.3], 0.6) == pytest.approx([0, 0.625, 0.375])
    assert transformer.nucleus([0.5, 0.3, 0.2], 1.0) == pytest.approx([0.5, 0.3, 0.2])


def test_heat_adds_surprise_and_cold_removes_it():
    bits = [transformer.sampling(t, 1.0).facts["bits of surprise"] for t in (0.1, 0.5, 1.0, 2.0)]
    assert bits == sorted(bits)
    assert bits[-1] < math.log2(len(transformer.LOGITS))


def test_draws_follow_the_probabilities():
    drawn = transformer._draws([0.5, 0.25, 0.25, 0, 0, 0, 0, 0, 0, 0], 12)
    assert [drawn.count(word) for word in list(transformer.LOGITS)[:3]] == [6, 3, 3]


@pytest.mark.parametrize("top_k", [1, 2, 3])
@pytest.mark.parametrize("balance", [0.0, 0.5, 1.0])
def test_every_token_has_k_experts_whose_weights_sum_to_one(top_k: int, balance: float):
    weights, probabilities = transformer.route(top_k, balance)
    assert (weights > 0).sum(1).tolist() == [top_k] * 24
    assert weights.sum(1) == pytest.approx(1)
    assert probabilities.sum(1) == pytest.approx(1)


def test_without_balance_the_most_likely_experts_are_chosen():
    weights, probabilities = transformer.route(1, 0.0)
    assert weights.argmax(1).tolist() == probabilities.argmax(1).tolist()


@pytest.mark.parametrize("top_k", [1, 2, 3])
def test_balance_ends_dropping_and_costs_probability(top_k: int):
    left, balanced = (transformer.moe_router(top_k, b).facts for b in (0.0, 1.0))
    assert left["dropped choices"] >= 10
    assert balanced["dropped choices"] <= 1
    assert balanced["probability of the chosen"] < left["probability of the chosen"]
