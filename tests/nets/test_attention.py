"""Attention written out, fused, batched, in strips, with shared heads, through a window, from a cache."""

from __future__ import annotations

import pytest
import torch

from atlas_cli.nets.attention import (
    Attention,
    attend,
    attention_weights,
    batched,
    causal_mask,
    fused,
    strips,
)
from atlas_cli.systems.transformer.gpt import PlainAttention, written_out

KINDS = [
    pytest.param({}, id="MHA"),
    pytest.param({"n_kv_head": 2}, id="GQA"),
    pytest.param({"n_kv_head": 1}, id="MQA"),
    pytest.param({"window": 5}, id="window"),
    pytest.param({"n_kv_head": 2, "window": 3}, id="GQA-window"),
    pytest.param({"rotary": False}, id="no-positions"),
]


def attention(**fields):
    torch.manual_seed(0)
    return Attention(32, 4, **fields)


def test_the_formula_on_two_tokens_by_hand():
    """One head of width 1: scores q k, weights e^s / sum, out the weighted mean of the values."""
    q, k, v = (torch.tensor([[[[a], [b]]]]) for a, b in ((1.0, 2.0), (0.5, -1.0), (10.0, 20.0)))
    out = written_out(q, k, v).flatten()
    first, second = torch.tensor(1.0).exp(), torch.tensor(-2.0).exp()  # of the second query: 2 * 0.5, 2 * -1
    torch.testing.assert_close(
        out, torch.stack([torch.tensor(10.0), (10 * first + 20 * second) / (first + second)])
    )


@pytest.mark.parametrize("window", [None, 1, 5, 100])
@pytest.mark.parametrize(
    ("n_queries", "n_keys"), [(1, 19), (7, 19), (19, 19), (64, 70), (130, 150), (150, 150)]
)
@pytest.mark.parametrize("fast", [fused, batched, strips, attend])
def test_the_fast_forms_equal_the_written_one(fast, n_queries, n_keys, window):
    torch.manual_seed(1)
    q = torch.randn(2, 3, n_queries, 8, requires_grad=True)
    k, v = torch.randn(2, 2, 3, n_keys, 8, requires_grad=True)
    expected = written_out(q, k, v, window)
    out = fast(q, k, v, window)
    torch.testing.assert_close(out, expected, atol=1e-5, rtol=1e-5)
    upstream = torch.randn_like(out)
    for ours, reference in zip(
        torch.autograd.grad(out, (q, k, v), upstream),
        torch.autograd.grad(expected, (q, k, v), upstream),
        strict=True,
    ):
        torch.testing.assert_close(ours, reference, atol=1e-5, rtol=1e-5)


def test_in_bf16_training_differs_by_rounding_only():
    torch.manual_seed(2)
    q, k, v = torch.randn(3, 2, 3, 40, 16, requires_grad=True)
    expected = written_out(q, k, v)
    out = attend(*(t.bfloat16() for t in (q, k, v)))
    assert (out - expected).abs().mean() < 0.005 * expected.abs().max()


@pytest.mark.parametrize("window", [None, 3])
def test_weights_are_a_distribution_over_what_may_be_seen(window):
    weights = attention(window=window).weights(torch.randn(2, 9, 32))
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, 4, 9))
    seen = torch.ones(9, 9, dtype=torch.bool).tril()
    if window:
        seen &= torch.ones(9, 9, dtype=torch.bool).triu(1 - window)
    assert torch.equal(weights > 0, seen.expand(2, 4, 9, 9))


def test_equal_keys_give_the_mean_of_the_values():
    q, v = torch.randn(1, 1, 6, 4), torch.randn(1, 1, 6, 4)
    means = v.cumsum(2) / torch.arange(1, 7)[:, None]
    torch.testing.assert_close(fused(q, torch.ones_like(q), v), means)


@pytest.mark.parametrize("fields", KINDS)
def test_from_a_cache_equals_all_at_once(fields):
    net, x = attention(**fields), torch.randn(2, 40, 32)
    state, parts = net.first_state(2), []
    with torch.no_grad():
        for part in x.split([1, 1, 7, 30, 1], dim=1):
            y, state = net.extend(part, state)
            parts.append(y)
        torch.testing.assert_close(torch.cat(parts, 1), net(x), atol=1e-5, rtol=1e-5)
    assert state.length == 40
    held = min(40, fields.get("window", 41) - 1)
    heads = fields.get("n_kv_head", 4)
    assert (
        state.n_bytes == 2 * 2 * heads * held * 8 * 4
    )  # keys and values, batch, heads, tokens, width, bytes


@pytest.mark.parametrize("n_kv_head", [1, 2])
def test_a_group_shares_its_keys_and_values(n_kv_head):
    """GQA is MHA whose projections of keys and values repeat."""
    shared, full = attention(n_kv_head=n_kv_head), attention()
    full.load_state_dict(shared.state_dict() | {
        f"{name}.weight": shared.get_submodule(name)
        .weight.view(n_kv_head, 8, 32)
        .repeat_interleave(4 // n_kv_head, dim=0)
        .flatten(0, 1)
        for name in ("k_proj", "v_proj")
    })  # fmt: skip
    x = torch.randn(2, 11, 32)
    torch.testing.assert_close(shared(x), full(x))


def test_without_positions_a_permutation_of_the_past_changes_nothing():
    net, x = attention(rotary=False), torch.randn(1, 9, 32)
    shuffled = torch.cat([x[:, torch.randperm(8)], x[:, 8:]], dim=1)
    torch.testing.assert_close(net(x)[:, -1], net(shuffled)[:, -1])
    rotary = attention()
    assert not torch.allclose(rotary(x)[:, -1], rotary(shuffled)[:, -1], atol=1e-4)


def test_an_input_of_another_width():
    assert attention(d_in=64)(torch.randn(2, 3, 64)).shape == (2, 3, 32)


def test_scores_are_scaled_by_the_root_of_the_width():
    """With q = k = 1 in nine channels a score is 3, and 0 with a key of zeros."""
    q = torch.ones(1, 1, 1, 9)
    k = torch.stack([torch.zeros(9), torch.ones(9)])[None, None]
    weights = attention_weights(q, k, causal_mask(1, 2)).flatten()
    assert weights[1].item() == pytest.approx(1 / (1 + 2.718281828**-3))


@pytest.mark.parametrize("length", [1, 9, 40])
def test_the_layer_is_the_plain_one_of_gpt_with_the_same_weights(length):
    fast, plain = attention(), PlainAttention(32, 4)
    plain.load_state_dict(fast.state_dict())
    x = torch.randn(2, length, 32)
    weights = torch.linspace(-1, 1, x.numel()).view_as(x)
    torch.testing.assert_close(fast(x), plain(x), atol=1e-5, rtol=1e-5)
    for ours, reference in zip(
        torch.autograd.grad((fast(x) * weights).sum(), list(fast.parameters())),
        torch.autograd.grad((plain(x) * weights).sum(), list(plain.parameters())),
        strict=True,
    ):
        torch.testing.assert_close(ours, reference, atol=1e-4, rtol=1e-4)
