"""The cache of keys and values, by counting."""

from __future__ import annotations

import pytest

from atlas_cli.explorables.transformer import kv_cache


def test_the_cache_has_the_size_of_its_tensors():
    """Keys and values of 32 layers, 8 heads of 128, two bytes each: 128 KiB a token."""
    assert kv_cache.cache_bytes(1, "MHA") == 2 * 32 * 8 * 128 * 2
    assert kv_cache.cache_bytes(10, "MQA") * 8 == kv_cache.cache_bytes(10, "MHA")
    assert kv_cache.cache_bytes(10, "GQA") * 4 == kv_cache.cache_bytes(10, "MHA")


def test_without_a_cache_every_step_computes_every_key():
    facts = kv_cache.kv_cache(3, "MHA").facts
    assert facts["keys without"] == 8 + 9 + 10 + 11
    assert facts["keys with cache"] == 11


@pytest.mark.parametrize(("heads", "kept"), [("MHA", 8), ("GQA", 2), ("MQA", 1)])
def test_the_heatmap_tells_kept_rows_from_shared_ones(heads: str, kept: int):
    rows = kv_cache.kv_cache(3, heads).panels[1][0].rows
    assert all(sum(value > 0 for value in row) == 11 for row in rows)
    assert sum(row[10] == 1 for row in rows) == kept
    assert all(row[9] == (0.6 if row[10] == 1 else 0.2) for row in rows)


def test_a_step_writes_one_column_and_the_prompt_all_of_its_own():
    assert sum(value == 1 for value in kv_cache.held(9, 8, 1)[0]) == 1
    assert sum(value == 1 for value in kv_cache.held(8, 8, 8)[0]) == 8


def test_the_text_has_a_word_a_token_and_says_which_is_new():
    frame = kv_cache.kv_cache(3, "MHA")
    tokens = frame.panels[0][0].tokens
    assert [note for *_, note in tokens] == ["kept"] * 10 + ["new"]
    assert f"“{tokens[-1][0]}”" in frame.caption
    assert [note for *_, note in kv_cache.kv_cache(0, "MHA").panels[0][0].tokens] == ["new"] * 8
