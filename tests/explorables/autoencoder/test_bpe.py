"""Merges of byte-pair encoding, by hand."""

from __future__ import annotations

import itertools

from atlas_cli.explorables.autoencoder import bpe


def test_merges_keep_the_text():
    for n in (0, 1, 12, 30):
        pieces, made = bpe.merged(n)
        assert "".join("".join(word) for word in pieces).replace("_", " ") == bpe.SENTENCE
        assert len(made) == n


def test_the_first_merges_are_the_most_frequent_pairs():
    """By hand: t before h stands in 13 places, more than any other pair; then th before i, e, r ..."""
    sentence = bpe.SENTENCE
    _, made = bpe.merged(30)
    assert made[0] == ("t", "h", sentence.count("th"))
    counts = [count for *_, count in made]
    assert counts == sorted(counts, reverse=True)


def test_each_merge_shortens_the_sentence_by_its_count():
    """Unless a pair overlaps itself, which none does here."""
    lengths = [sum(map(len, bpe.merged(n)[0])) for n in range(31)]
    counts = [count for *_, count in bpe.merged(30)[1]]
    assert [a - b for a, b in itertools.pairwise(lengths)] == counts
