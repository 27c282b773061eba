"""The cache against reading the whole text again, and its bytes against the formula."""

from __future__ import annotations

import pytest
import torch

from atlas_cli.engine.system import SampleRequest, Setting
from atlas_cli.metrics import timing
from atlas_cli.systems.transformer.kv_cache import Config, KVCached, cache_bytes

from .house import SOURCE, TRAIN, gpt


def cached(base, **fields):
    config = Config(**{"vocab_size": 256, "context_len": 48, "length": 12, **fields})
    return KVCached(config).attach(Setting(SOURCE, TRAIN, parent=base))


@pytest.mark.parametrize("n_kv_head", [4, 2, 1])
def test_logits_are_those_of_reading_everything_again(n_kv_head):
    with torch.no_grad():
        assert 0 < cached(gpt(n_kv_head=n_kv_head)).logit_error() < 1e-5


@pytest.mark.parametrize("window", [None, 6])
def test_only_rounding_differs(window):
    with torch.no_grad():
        assert cached(gpt(window=window).double()).logit_error() < 1e-12


def test_a_wrong_position_would_be_noticed(monkeypatch):
    """The same comparison sees a cache that counts one token too few."""
    base = gpt()
    extend = base.extend

    def off_by_one(tokens, state):
        return extend(tokens, [layer._replace(length=max(0, layer.length - 1)) for layer in state])

    monkeypatch.setattr(base, "extend", off_by_one)
    with torch.no_grad():
        assert cached(base).logit_error() > 1e-3


@pytest.mark.parametrize("n_kv_head", [4, 2, 1])
def test_the_bytes_held_are_those_of_the_formula(n_kv_head):
    base = gpt(n_kv_head=n_kv_head)
    state = base.first_state(1)
    with torch.no_grad():
        for tokens in (torch.arange(5), torch.arange(7), torch.arange(1)):
            _, state = base.extend(tokens[None], state)
    assert sum(layer.n_bytes for layer in state) == cache_bytes(13, 2, n_kv_head, 8)


def test_fewer_heads_of_keys_hold_that_much_less():
    system = cached(gpt())
    assert system.kinds_of_heads() == {"mha": 4, "gqa": 2, "mqa": 1}
    held = [system.measured_bytes(n, 40) for n in system.kinds_of_heads().values()]
    assert held == [system.formula_bytes(n, 40) for n in system.kinds_of_heads().values()]
    assert held == [held[0], held[0] // 2, held[0] // 4]


def test_a_window_stops_growing():
    base = gpt(window=6)
    state, sizes = base.first_state(1), []
    with torch.no_grad():
        for token in torch.arange(20):
            _, state = base.extend(token.view(1, 1), state)
            sizes.append(sum(layer.n_bytes for layer in state))
    assert sizes[:5] == [cache_bytes(n, 2, 4, 8) for n in range(1, 6)]
    assert set(sizes[5:]) == {cache_bytes(5, 2, 4, 8)}  # the sixth token seen is the query's own


def test_both_ways_write_the_same_text():
    base = gpt()
    request = SampleRequest(n=2, seed=3, prompt="A ")
    with_cache, without = (cached(base, cache=c).sample(request).text for c in (True, False))
    assert with_cache == without
    assert [len(text.encode()) >= 14 for text in with_cache] == [True, True]


def test_without_a_cache_every_token_reads_the_whole_text():
    base = gpt()
    seen = []
    forward = base.forward
    base.forward = lambda tokens: seen.append(tokens.shape[1]) or forward(tokens)
    cached(base, cache=False).sample(SampleRequest(n=1, prompt="abc"))
    assert seen == list(range(3, 3 + 12))  # the last token written is not read any more


def test_of_each_token_the_fastest_round_counts(monkeypatch):
    rounds = [[0, 3, 4], [10, 12, 19], [20, 25, 27], [30, 39, 48]]  # when the clock is read
    clock = iter(float(t) for times in rounds for t in times)
    monkeypatch.setattr(timing.time, "perf_counter", lambda: next(clock))
    assert cached(gpt()).seconds_after(2).tolist() == [2.0, 2.0 + 1.0]
