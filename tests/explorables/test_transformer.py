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


@pytest.mark.parametrize("position", [0, 3, 30])
def test_scores_depend_on_the_offset_alone(position: int):
    table = transformer.scores(position, range(41))
    expected = [[math.cos(n * 100.0 ** (-pair / 4)) for n in range(41)] for pair in range(4)]
    torch.testing.assert_close(torch.tensor(table), torch.tensor(expected), atol=1e-5, rtol=0)


def test_turns_are_by_the_position_times_the_frequency():
    for pair, (x, y) in enumerate(transformer.turned([13])[0]):
        angle = 13 * 100.0 ** (-pair / 4)
        assert (x, y) == pytest.approx((math.cos(angle), math.sin(angle)), abs=1e-5)


def test_the_cache_has_the_size_of_its_tensors():
    """Keys and values of 32 layers, 8 heads of 128, two bytes each: 128 KiB a token."""
    assert transformer.cache_bytes(1, "MHA") == 2 * 32 * 8 * 128 * 2
    assert transformer.cache_bytes(10, "MQA") * 8 == transformer.cache_bytes(10, "MHA")
    assert transformer.cache_bytes(10, "GQA") * 4 == transformer.cache_bytes(10, "MHA")


def test_without_a_cache_every_step_computes_every_key():
    facts = transformer.kv_cache(3, "MHA").facts
    assert facts["keys without"] == 8 + 9 + 10 + 11
    assert facts["keys with cache"] == 11


@pytest.mark.parametrize(("heads", "kept"), [("MHA", 8), ("GQA", 2), ("MQA", 1)])
def test_the_heatmap_tells_kept_rows_from_shared_ones(heads: str, kept: int):
    rows = transformer.kv_cache(3, heads).panels[0][0].rows
    assert all(sum(value > 0 for value in row) == 11 for row in rows)
    assert sum(row[10] == 1 for row in rows) == kept
    assert all(row[9] == (0.6 if row[10] == 1 else 0.2) for row in rows)


def test_a_step_writes_one_column_and_the_prompt_all_of_its_own():
    assert sum(value == 1 for value in transformer.held(9, 8, 1)[0]) == 1
    assert sum(value == 1 for value in transformer.held(8, 8, 8)[0]) == 8


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
