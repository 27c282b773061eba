"""The fast way against the plain one, and both against the library `tokenizers`."""

from __future__ import annotations

import json
import random
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers

from atlas_cli.data import text
from atlas_cli.systems.autoencoder import bpe
from atlas_cli.systems.autoencoder.merging import Encoder, Learner, joined
from atlas_cli.systems.autoencoder.pieces import BYTES, PATTERNS, cut, spelled

CORPORA = st.dictionaries(st.text("abc", min_size=1, max_size=9), st.integers(1, 9), min_size=1, max_size=8)


def prose() -> str:
    """The atlas's frozen pages, training and held-out text."""
    _, train, held_out = text._corpus(text.TextConfig(corpus="atlas"))
    return (train + held_out).decode()


def learned(pieces: dict[bytes, int], n: int) -> list[tuple[int, int]]:
    learner, merges = Learner(pieces), []
    while len(merges) < n and (pair := learner.most_frequent()) is not None:
        learner.merge(pair)
        merges.append(pair)
    return merges


def library(words: str | dict[str, int], n: int, split: str) -> tuple[Tokenizer, list[tuple[int, int]]]:
    """Trained on a text, or on words as often as they are said to stand there; and its merges."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PATTERNS[split]), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    lines = (
        [words] if isinstance(words, str) else [word for word, count in words.items() for _ in range(count)]
    )
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=256 + n, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(lines, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    return tokenizer, [(model["vocab"][left], model["vocab"][right]) for left, right in model["merges"]]


def spellings(merges: list[tuple[int, int]]) -> list[bytes]:
    """What each merge makes."""
    made = [bytes([byte]) for byte in BYTES]
    for left, right in merges:
        made.append(made[left] + made[right])
    return made[256:]


@given(words=CORPORA)
def test_the_fast_way_learns_what_counting_anew_learns(words: dict[str, int]) -> None:
    plain = bpe.learn({spelled(word.encode()): count for word, count in words.items()}, 12)
    assume(len(set(spellings(plain))) == len(plain))  # no token is made in two ways
    assert learned({word.encode(): count for word, count in words.items()}, 12) == plain


@given(words=CORPORA)
def test_the_library_learns_the_same_from_any_words(words: dict[str, int]) -> None:
    ours = learned({word.encode(): count for word, count in words.items()}, 12)
    assume(len(set(spellings(ours))) == len(ours))
    assert library(words, 12, "gpt2")[1] == ours


@pytest.mark.parametrize("split", PATTERNS)
def test_the_library_learns_and_encodes_the_same_on_real_text(split: str) -> None:
    corpus = prose()
    ours = learned(Counter(cut(corpus.encode(), split)), 1500)
    tokenizer, theirs = library(corpus, 1500, split)
    assert ours == theirs
    assert len(ours) == 1500
    other = corpus[::-1][:3000] + "день 日本語 naïve 🙂 12345\r\n\t  DON'T don't\u2028"
    for sample in (corpus[:20_000], other):
        assert Encoder(ours, split).encode(sample.encode()) == tokenizer.encode(sample).ids


@given(data=st.data(), words=CORPORA)
def test_the_heap_encodes_as_the_plain_loop_does(data: st.DataObject, words: dict[str, int]) -> None:
    merges = learned({word.encode(): count for word, count in words.items()}, 12)
    assume(len(set(spellings(merges))) == len(merges))
    piece = data.draw(st.text("abcd", max_size=30)).encode()
    assert tuple(Encoder(merges, "gpt2").encode_piece(piece)) == bpe.encode(spelled(piece), merges)


def test_counts_are_those_of_counting_anew_after_every_merge() -> None:
    words = Counter({b"aaaa": 3, b"abab": 2, b"aab": 5, b"b": 1, b"banana": 4})
    learner, choice = Learner(words), random.Random(1)
    for _ in range(5):
        pair = learner.any_pair(choice)
        assert pair is not None
        learner.merge(pair)
        counts = Counter()
        for word, count in zip(learner.words, learner.counts, strict=True):
            for found in pairwise(word):
                counts[found] += count
        assert learner.pairs == counts
        assert learner.most_frequent() == (bpe.most_frequent(counts) if counts else None)


def test_a_merge_removes_as_many_tokens_as_its_pair_stood_there() -> None:
    learner = Learner(Counter(cut(prose().encode()[:20_000], "gpt2")))
    for _ in range(50):
        pair, before = learner.most_frequent(), learner.n_tokens
        assert pair is not None
        count = learner.pairs[pair]
        learner.merge(pair)
        removed = before - learner.n_tokens
        assert removed == count if pair[0] != pair[1] else removed <= count  # a a a holds a a twice


def test_a_pair_that_overlaps_itself_is_joined_from_the_left() -> None:
    assert joined([1, 1, 1], (1, 1), 9) == [9, 1]
    assert joined([1, 1, 1, 1, 2], (1, 1), 9) == [9, 9, 2]
    assert bpe.join([1, 1, 1], (1, 1), 9) == (9, 1)


def test_nothing_is_left_to_merge() -> None:
    learner = Learner({b"ab": 1})
    learner.merge(spelled(b"ab"))
    assert learner.most_frequent() is None
    assert learner.any_pair(random.Random(0)) is None


def test_a_spelling_that_is_made_twice_is_one_token() -> None:
    a, b, c = spelled(b"abc")
    learner = Learner({b"abc": 1})
    encoder = Encoder([(a, b), (256, c), (b, c), (a, 258)], "gpt2")
    assert encoder.vocab_size == 256 + 3
    assert encoder.encode_piece(b"abc") == [257]
    for pair in ((a, b), (256, c)):
        learner.merge(pair)
    assert learner.words == [[257]]


@given(data=st.binary(max_size=200))
def test_any_bytes_come_back(data: bytes) -> None:
    for split in PATTERNS:
        encoder = Encoder(MERGES[split], split)
        tokens = encoder.encode(data)
        assert encoder.decode(tokens) == data
        assert all(0 <= token < encoder.vocab_size for token in tokens)


@given(data=st.text(max_size=100))
def test_any_text_comes_back(data: str) -> None:
    encoded = data.encode(errors="surrogatepass")  # halves of characters as well
    for split in PATTERNS:
        encoder = Encoder(MERGES[split], split)
        assert encoder.decode(encoder.encode(encoded)) == encoded


MERGES = {split: learned(Counter(cut(prose().encode()[:30_000], split)), 300) for split in PATTERNS}
