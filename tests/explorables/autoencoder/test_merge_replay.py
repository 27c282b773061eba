"""Replaying merges: as learned it is the encoder's own answer; from the left it is another."""

from __future__ import annotations

import pytest

from atlas_cli.explorables.autoencoder import _prose, merge_replay
from atlas_cli.explorables.autoencoder.merge_replay import ORDERS, WORDS, replayed


@pytest.mark.parametrize("word", WORDS)
def test_as_learned_it_ends_where_the_encoder_ends(word: str):
    moments = replayed(word, ORDERS[0])
    assert list(moments[-1][0]) == _prose.encoder(_prose.N_MERGES).encode(f" {word}".encode())


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("order", ORDERS)
def test_every_moment_spells_the_word_in_fewer_tokens(word: str, order: str):
    encoder, moments = _prose.encoder(_prose.N_MERGES), replayed(word, order)
    assert {encoder.decode(tokens) for tokens, _ in moments} == {f" {word}".encode()}
    lengths = [len(tokens) for tokens, _ in moments]
    assert lengths == sorted(set(lengths), reverse=True)


def test_from_the_left_ends_in_more_tokens():
    ends = {order: len(replayed(WORDS[0], order)[-1][0]) for order in ORDERS}
    assert ends[ORDERS[0]] < ends[ORDERS[1]]


def test_what_is_joined_next_is_marked():
    frame = merge_replay.merge_replay(0, WORDS[0], ORDERS[0])
    ((tokens,), _) = frame.panels
    assert [note for _, _, note in tokens.tokens].count("next") >= 2
