"""How a token is chosen, and how bytes become text."""

from __future__ import annotations

import math

import pytest
import torch
from scipy.stats import chi2
from torch.nn import functional as F

from atlas_cli.language.decoding import DecodingConfig, Reader, Utf8Stream, choose, distribution, write

P = torch.tensor([0.5, 0.25, 0.15, 0.1])
LOGITS = P.log()[None] + 3  # a constant changes nothing


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_a_temperature_raises_probabilities_to_its_inverse(temperature):
    expected = P ** (1 / temperature)
    torch.testing.assert_close(distribution(LOGITS, temperature)[0], expected / expected.sum())


def test_temperature_zero_takes_the_most_likely():
    assert distribution(LOGITS, 0.0).tolist() == [[1, 0, 0, 0]]


@pytest.mark.parametrize("top_k", [1, 2, 3, 4, 9])
def test_top_k_keeps_the_k_most_likely_in_proportion(top_k):
    kept = torch.where(torch.arange(4) < top_k, P, 0)
    torch.testing.assert_close(distribution(LOGITS, 1.0, top_k=top_k)[0], kept / kept.sum())


@pytest.mark.parametrize(("top_p", "n"), [(0.3, 1), (0.49, 1), (0.6, 2), (0.8, 3), (0.95, 4), (1.0, 4)])
def test_top_p_keeps_the_fewest_that_together_have_p(top_p, n):
    kept = torch.where(torch.arange(4) < n, P, 0)
    shuffled = torch.tensor([2, 0, 3, 1])
    p = distribution(LOGITS[:, shuffled], 1.0, top_p=top_p)[0]
    torch.testing.assert_close(p, (kept / kept.sum())[shuffled])


def test_top_p_is_of_what_the_temperature_and_top_k_left():
    """At temperature 1/2 the four are 50:12.5:4.5:2; of the first three, 50 have 75%."""
    p = distribution(LOGITS, 0.5, top_k=3, top_p=0.7)[0]
    assert p.tolist() == [1, 0, 0, 0]


def test_rows_are_cut_each_by_itself():
    logits = torch.cat([LOGITS, LOGITS.flip(1)])
    p = distribution(logits, 1.0, top_k=1)
    assert p.tolist() == [[1, 0, 0, 0], [0, 0, 0, 1]]


def test_draws_follow_the_distribution():
    n = 20_000
    p = distribution(LOGITS, 0.8)
    tokens = choose(p.expand(n, 4), torch.Generator().manual_seed(0))
    counts = tokens.bincount(minlength=4).double()
    expected = n * p[0].double()
    statistic = float(((counts - expected) ** 2 / expected).sum())
    assert statistic < chi2.isf(1e-4, df=3)


class Counter:
    """Says the number after the last token, and counts what it reads."""

    vocab_size = 10

    def __init__(self):
        self.read = []

    def first_state(self, batch_size):
        return 0

    def extend(self, tokens, state):
        self.read.append(tokens.shape[1])
        logits = F.one_hot((tokens + 1) % self.vocab_size, self.vocab_size).float() * 50
        return logits, state + tokens.shape[1]


def test_writing_reads_the_prompt_at_once_and_each_token_but_the_last_once():
    model = Counter()
    assert isinstance(model, Reader)
    config = DecodingConfig()
    tokens = [int(t) for t in write(model, torch.tensor([[3, 4, 5]]), 6, config)]
    assert tokens == [6, 7, 8, 9, 0, 1]
    assert model.read == [3, 1, 1, 1, 1, 1]


def test_a_batch_is_written_row_by_row():
    rows = torch.stack(list(write(Counter(), torch.tensor([[1], [7]]), 3, DecodingConfig())), dim=1)
    assert rows.tolist() == [[2, 3, 4], [8, 9, 0]]


def test_the_same_generator_writes_the_same():
    class Flat(Counter):
        def extend(self, tokens, state):
            return torch.zeros(*tokens.shape, 10), state

    def text(seed):
        generator = torch.Generator().manual_seed(seed)
        return [int(t) for t in write(Flat(), torch.tensor([[0]]), 30, DecodingConfig(), generator)]

    assert text(1) == text(1) != text(2)


@pytest.mark.parametrize("text", ["plain", "naïve – 漢字 😀", ""])
def test_bytes_stream_to_the_text_they_came_from(text):
    stream = Utf8Stream()
    pieces = [stream.push(byte) for byte in text.encode()]
    assert "".join(pieces) + stream.end() == text
    assert all(len(piece) <= 1 for piece in pieces)


@pytest.mark.parametrize(
    ("data", "text"),
    [(b"a\xffb", "a\ufffdb"), (b"a\xe6\xbc", "a\ufffd"), (b"\xe6\xbcb", "\ufffdb"), (b"\x80", "\ufffd")],
)
def test_what_is_not_utf8_becomes_the_replacement_character(data, text):
    stream = Utf8Stream()
    assert "".join(stream.push(byte) for byte in data) + stream.end() == text == data.decode(errors="replace")


def test_entropy_falls_with_the_temperature():
    def entropy(temperature):
        p = distribution(LOGITS, temperature)
        return float(-(p * p.log()).sum())

    assert entropy(0.3) < entropy(1.0) < entropy(3.0) < math.log(4)


def test_a_system_cannot_give_a_field_of_writing_another_meaning():
    with pytest.raises(TypeError, match="top_k steers how text is written"):

        class Experts(DecodingConfig):
            top_k: int = 2  # experts a token
