"""What a tokenizer is judged by, on vocabularies small enough to count by hand."""

from __future__ import annotations

from collections import Counter

import pytest

from atlas_cli.systems.autoencoder import token_figures
from atlas_cli.systems.autoencoder.merging import Encoder
from atlas_cli.systems.autoencoder.pieces import TOKENS, cut, spelled
from atlas_cli.systems.autoencoder.scripts import PARAGRAPH

from .test_bpe import trained

ONE, TWO = TOKENS[ord("1")], TOKENS[ord("2")]
TWELVE = Encoder([(ONE, TWO)], "gpt2")


def test_numbers_are_cut_as_merges_happen_to_cut_them() -> None:
    """With 12 as the only token: 1000 is 1+1+1+1 digits, 1200 2+1+1, 3125 1+2+1, 3412 1+1+2, 1212 2+2."""
    shapes = token_figures.number_shapes(TWELVE)
    assert set(shapes) == {(1, 1, 1, 1), (2, 1, 1), (1, 2, 1), (1, 1, 2), (2, 2)}
    assert shapes[2, 2] == 1
    assert shapes[2, 1, 1] == 99
    assert shapes.total() == 9000


def test_tokens_that_never_come() -> None:
    abc = Encoder([spelled(b"bc"), (TOKENS[ord("a")], 256)], "gpt2")
    assert token_figures.used_in_training(abc, {b"abc": 3}) == {257}
    assert token_figures.share_unseen(abc, {257}) == 0.5  # bc was a step on the way to abc
    assert token_figures.share_unseen(Encoder([], "gpt2"), set()) == 0


def test_the_opponent_has_the_most_frequent_pieces() -> None:
    pieces = Counter({b"the": 9, b" of": 7, b"a": 50, b" is": 7, b" rare": 1})
    assert token_figures.whole_words(pieces, 2) == {b"the", b" is"}


def test_a_word_after_a_blank_may_be_another_token() -> None:
    encoder = Encoder([spelled(b"at"), spelled(b" a"), (spelled(b" ")[0], 256)], "gpt2")
    assert token_figures.share_changed_by_a_blank(encoder, b"x at at x") == 1.0
    assert token_figures.share_changed_by_a_blank(Encoder([], "gpt2"), b"x at at x") == 0.0


def test_a_tokenizer_that_loses_bytes_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = Encoder([], "gpt2")
    assert token_figures.share_that_comes_back(encoder, 0) == 1
    monkeypatch.setattr(
        encoder, "decode", lambda tokens: Encoder.decode(encoder, tokens).replace(b"\xff", b"")
    )
    assert token_figures.share_that_comes_back(encoder, 0) < 1


def test_figures_agree_with_one_another() -> None:
    system = trained(n_merges=300)
    figures = system.evaluate()
    held_out = bytes(system.setting.data.held_out_bytes)
    tokens = system.encoder.encode(held_out)
    assert figures["bytes_per_token"] == pytest.approx(len(held_out) / len(tokens))
    by_words = figures["words_bytes_per_token"] * figures["tokens_over_words"]
    assert figures["bytes_per_token"] * by_words == pytest.approx(figures["words_bytes_per_token"] ** 2)
    assert figures["came_back"] == 1
    assert figures["vocabulary"] == 556
    assert figures["bytes_per_token_english"] > 1.5 > figures["bytes_per_token_russian"]


def test_bytes_alone_are_one_a_token() -> None:
    figures = trained(n_merges=0).evaluate()
    assert {figures[name] for name in figures if name.startswith("bytes_per_token")} == {1.0}
    assert figures["words_bytes_per_token"] == 1
    assert figures["number_shapes"] == 1
    assert figures["unseen_tokens"] == figures["words_changed_by_a_blank"] == 0


def test_the_paragraph_is_in_four_scripts_of_about_as_many_sentences() -> None:
    ends = {language: sum(text.count(mark) for mark in ".。") for language, text in PARAGRAPH.items()}
    assert set(ends.values()) == {5}
    assert all(list(cut(text.encode(), "gpt2")) for text in PARAGRAPH.values())
