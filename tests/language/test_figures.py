"""The figures of models of sequences, with models whose figures are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from atlas_cli import data
from atlas_cli.data.tasks import IGNORED
from atlas_cli.language import figures
from atlas_cli.language.ngram import ByteNgram

TEXT = data.load({"name": "text", "corpus": "atlas", "context_len": 32})


def uniform(tokens):
    return torch.zeros(*tokens.shape, 256)


def test_a_uniform_guess_costs_eight_bits_whatever_the_length():
    for length in (None, 7, 64):
        assert figures.bits_per_byte(uniform, TEXT, length, n_bytes=4_000) == pytest.approx(8)


def test_bits_are_of_the_next_byte():
    """A model that knows the held-out text and is sure to 1/2, the rest spread over 255 others."""
    text = TEXT.held_out_bytes.numpy().tobytes()

    def knows(tokens):
        rows = []
        for row in tokens.tolist():
            at = text.index(bytes(row))
            p = torch.full((len(row), 256), 0.5 / 255)
            following = torch.tensor(list(text[at + 1 : at + 1 + len(row)]))
            rows.append(p.scatter_(1, following[:, None], 0.5).log())
        return torch.stack(rows)

    # Few windows of 64 bytes occur twice in the text, and of these only the last byte may be another.
    assert figures.bits_per_byte(knows, TEXT, 64, n_bytes=2_000) == pytest.approx(1, abs=0.05)


def test_every_window_is_read_once_and_in_full():
    read = []

    def model(tokens):
        read.append(tokens)
        return uniform(tokens)

    figures.bits_per_byte(model, TEXT, 50, n_bytes=10_010)
    assert sum(len(tokens) for tokens in read) == 201
    assert torch.equal(torch.cat(read), TEXT.held_out(201, length=50)[0])


def test_the_ngrams_read_the_same_windows_and_were_fitted_on_the_training_text():
    found = figures.ngram_bits(TEXT)
    tokens, targets = TEXT.held_out(math.ceil(figures.EVALUATION_BYTES / 32))
    rows = torch.cat([tokens, targets[:, -1:]], dim=1).numpy().astype(np.uint8)
    model = ByteNgram(TEXT.train_bytes.numpy(), 4)
    for n in (3, 4):
        assert found[f"ngram{n}_bits"] == pytest.approx(float(model.bits(rows, n).mean()))


def test_a_model_that_knows_nothing_is_above_the_ngrams_by_what_they_know():
    found = figures.figures_of(uniform, TEXT)
    assert found["bits_per_byte"] == pytest.approx(8)
    for n in figures.NGRAM_ORDERS:
        assert found[f"bits_below_ngram{n}"] == pytest.approx(found[f"ngram{n}_bits"] - 8)
        assert found[f"bits_below_ngram{n}"] < -3


def test_answer_loss_is_over_what_is_asked():
    logits = torch.randn(2, 5, 7)
    targets = torch.full((2, 5), IGNORED)
    targets[0, 1], targets[1, 4] = 3, int(logits[1, 4].argmax())
    loss, metrics = figures.answer_loss(logits, targets)
    torch.testing.assert_close(loss, F.cross_entropy(logits.mT, targets, ignore_index=IGNORED))
    right = 0.5 + 0.5 * float(logits[0, 1].argmax() == 3)
    assert float(metrics["accuracy"]) == right


def test_answer_loss_of_text_is_over_every_byte():
    logits, targets = torch.randn(2, 5, 7), torch.randint(0, 7, (2, 5))
    loss, metrics = figures.answer_loss(logits, targets)
    torch.testing.assert_close(loss, F.cross_entropy(logits.mT, targets))
    assert float(metrics["accuracy"]) == pytest.approx(float((logits.argmax(-1) == targets).float().mean()))


def test_accuracy_of_a_model_that_always_says_one_value():
    source = data.load({"name": "associative_recall", "n_pairs": 2, "length": 8, "n_keys": 4, "n_values": 2})

    def model(tokens):
        return F.one_hot(torch.full_like(tokens, 4), 7).float()

    tokens, targets = source.held_out(figures.EVALUATION_SEQUENCES)
    share = (targets == 4).sum() / (targets != IGNORED).sum()
    assert figures.accuracy(model, source) == pytest.approx(float(share))
    assert 0.4 < share < 0.6
    assert tokens.shape == (512, 8)
