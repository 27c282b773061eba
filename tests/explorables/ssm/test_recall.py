"""The associative memory, against sums of outer products and what is known of them."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch

from atlas_cli.explorables.ssm import recall


def test_the_scan_is_a_sum_of_outer_products():
    torch.manual_seed(0)
    keys, written = torch.randn(3, 5, 4), torch.randn(3, 5, recall.CHANNELS)
    state = torch.einsum("tkc,tkn->tcn", written, keys)
    expected = torch.einsum("tcn,tkn->tkc", state, keys)
    torch.testing.assert_close(recall.from_state(keys, written), expected, atol=1e-4, rtol=1e-4)


def test_keys_at_right_angles_bring_back_their_own_value_alone():
    keys = torch.eye(6)[None]
    written = torch.randn(1, 6, recall.CHANNELS, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(recall.from_state(keys, written), written)


def test_two_equal_keys_bring_back_the_mean_of_their_values_by_attention():
    keys = torch.tensor([[[1.0, 0.0], [1.0, 0.0], [-1.0, 0.0]]])
    written = torch.randn(1, 3, recall.CHANNELS, generator=torch.Generator().manual_seed(0))
    mean = written[:, :2].mean(1)
    torch.testing.assert_close(recall.from_attention(keys, written)[:, 0], mean)


@pytest.mark.parametrize("d_state", recall.STATES)
def test_one_pair_is_always_recalled_and_a_full_state_forgets(d_state: int):
    shares = [recall.recall_of(n, d_state) for n in recall.PAIRS]
    assert shares[0] == 1
    assert shares[-1] < recall.LOST
    assert all(later <= earlier + 0.03 for earlier, later in pairwise(shares))


def test_a_state_holds_in_proportion_to_its_size():
    """Crosstalk of random keys has variance (pairs - 1) / N: what is held grows with N."""
    pairs = [recall.held(d_state) for d_state in recall.STATES]
    assert pairs == sorted(pairs)
    for d_state, n_pairs in zip(recall.STATES[1:], pairs[1:], strict=True):
        assert 0.5 * d_state < n_pairs <= d_state


def test_attention_recalls_every_pair():
    assert recall.held(None) == recall.PAIRS[-1]


def test_attention_keeps_more_with_every_pair_and_the_state_does_not():
    assert recall.numbers_kept(64, 8) == recall.numbers_kept(1, 8) == 8 * recall.CHANNELS
    assert recall.numbers_kept(64, None) == 64 * recall.numbers_kept(1, None)


def test_the_frame_tells_what_it_shows():
    frame = recall.recall(16, 8)
    (curves,), (bars,) = frame.panels[3:]
    state = next(s for s in curves.series if s.label == "state of 8")
    assert state.ys[state.xs.index(16)] == pytest.approx(frame.facts["recall of the state"], abs=1e-3)
    assert bars.values == (8 * 16, 16 * 32)
    of_state, of_attention = frame.panels[2]
    for heatmap in (of_state, of_attention):
        assert len(heatmap.rows) == len(heatmap.rows[0]) == 16
    assert all(sum(row) == pytest.approx(1, abs=1e-3) for row in of_attention.rows)
    assert all(of_state.rows[i][i] == pytest.approx(1) for i in range(16))


@pytest.mark.parametrize("pairs", [1, 8, 16, 64])
def test_each_key_is_answered_by_its_value_or_by_what_came_instead(pairs: int):
    frame = recall.recall(pairs, 8)
    (of_state,), (of_attention,) = frame.panels[:2]
    meant = [int(value) + 1 for value in recall.values()[0][0, : min(pairs, 16)]]
    assert [text for text, *_ in of_state.tokens] == [
        f"{k}={v}" for k, v in zip(recall.NAMES, meant, strict=False)
    ]
    said = [int(value) + 1 for value in recall.answers(pairs, 8)[0, : min(pairs, 16)]]
    for (_, weight, note), own, other in zip(of_state.tokens, meant, said, strict=True):
        assert (weight, note) == ((1.0, "right") if own == other else (0.0, f"says {other}"))
    assert all(note == "right" for *_, note in of_attention.tokens)
    wrong = sum(note != "right" for *_, note in of_state.tokens)
    assert f"answers {wrong or 'none'} wrongly" in frame.caption
