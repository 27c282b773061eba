"""Encoding beside `tokenizers`, `tiktoken` and the plain loop, all with the same merges: ratios of times.

Each encodes held-out text of the Python library with the vocabulary that bpe/small learns from the rest; what
they give is compared first. `tiktoken` is left out where it is not installed. How time grows with the length
is asked of one long piece without a blank, where nothing is cut beforehand. Figures are printed: use `-s`.
"""

from __future__ import annotations

import random
from collections import Counter
from functools import partial
from typing import Any

import pytest

from atlas_cli.data import Place
from atlas_cli.data.text import TextConfig, load
from atlas_cli.metrics.timing import least_seconds
from atlas_cli.systems.autoencoder import bpe
from atlas_cli.systems.autoencoder.merging import Encoder, Learner
from atlas_cli.systems.autoencoder.pieces import BYTES, PATTERNS, cut, spelled
from tests.benchmarks.recording import record

pytestmark = pytest.mark.bench

N_MERGES = 4096
SPLIT = "gpt2"
HELD_OUT = 200_000  # bytes
LENGTHS = (1_000, 2_000, 4_000, 8_000)  # of one piece
OF = ["atlas_cli.systems.autoencoder.merging", "atlas_cli.systems.autoencoder.pieces"]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return load(TextConfig(corpus="python"), Place(tmp_path_factory.mktemp("data")))


@pytest.fixture(scope="module")
def merges(corpus: Any) -> list[tuple[int, int]]:
    learner = Learner(Counter(cut(bytes(corpus.train_bytes.numpy()), SPLIT)))
    found: list[tuple[int, int]] = []
    while len(found) < N_MERGES and (pair := learner.most_frequent()) is not None:
        learner.merge(pair)
        found.append(pair)
    return found


@pytest.fixture(scope="module")
def encoder(merges: list[tuple[int, int]]) -> Encoder:
    return Encoder(merges, SPLIT)


def of_tokenizers(encoder: Encoder, merges: list[tuple[int, int]]) -> Any:
    """The library's, with our vocabulary in its letters."""
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers

    letters = dict(zip(BYTES, sorted(pre_tokenizers.ByteLevel.alphabet()), strict=True))
    names = ["".join(letters[byte] for byte in spelling) for spelling in encoder.spellings]
    vocabulary = {name: token for token, name in enumerate(names)}
    tokenizer = Tokenizer(models.BPE(vocabulary, [(names[left], names[right]) for left, right in merges]))
    cutting = pre_tokenizers.Split(Regex(PATTERNS[SPLIT]), "isolated")
    bytewise = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([cutting, bytewise])
    return tokenizer


def of_tiktoken(encoder: Encoder) -> Any:
    """Theirs, with our vocabulary: there the rank of a merge is the number of the token that it makes."""
    tiktoken = pytest.importorskip("tiktoken")
    ranks = {spelling: token for token, spelling in enumerate(encoder.spellings)}
    return tiktoken.Encoding(SPLIT, pat_str=PATTERNS[SPLIT], mergeable_ranks=ranks, special_tokens={})


def plainly(text: bytes, merges: list[tuple[int, int]]) -> list[int]:
    """As bpe.py writes it out, once for each different piece."""
    known: dict[bytes, tuple[int, ...]] = {}
    tokens: list[int] = []
    for piece in cut(text, SPLIT):
        if piece not in known:
            known[piece] = bpe.encode(spelled(piece), merges)
        tokens += known[piece]
    return tokens


def compared(name: str, ours: Any, theirs: Any) -> None:
    seconds = least_seconds({"ours": ours, name: theirs}, rounds=3)
    ratio = seconds["ours"] / seconds[name]
    print(f"\nencoding {HELD_OUT:,} bytes: {ratio:.2f} times the time of {name}")
    record("autoencoder/bpe-speed", f"over_{name}", {"time": {HELD_OUT: ratio}}, OF)


def test_beside_the_library_tokenizers(corpus: Any, encoder: Encoder, merges: Any) -> None:
    text = bytes(corpus.held_out_bytes[:HELD_OUT].numpy()).decode(errors="ignore")
    theirs = of_tokenizers(encoder, merges)
    assert theirs.encode(text).ids == encoder.encode(text.encode())
    fresh = partial(Encoder, merges, SPLIT)
    compared("tokenizers", lambda: fresh().encode(text.encode()), lambda: theirs.encode(text))


def test_beside_tiktoken(corpus: Any, encoder: Encoder, merges: Any) -> None:
    text = bytes(corpus.held_out_bytes[:HELD_OUT].numpy()).decode(errors="ignore")
    theirs = of_tiktoken(encoder)
    assert theirs.encode_ordinary(text) == encoder.encode(text.encode())
    fresh = partial(Encoder, merges, SPLIT)
    compared("tiktoken", lambda: fresh().encode(text.encode()), lambda: theirs.encode_ordinary(text))


def test_time_grows_almost_linearly_and_the_plain_loop_takes_many_times_as_long(
    encoder: Encoder, merges: Any
) -> None:
    letters = random.Random(0).choices(b"etaoinsrhld", k=max(LENGTHS))
    rows: dict[str, dict[int, float]] = {"heap": {}, "plain": {}}
    for n in LENGTHS:
        piece = bytes(letters[:n])
        assert tuple(encoder.encode_piece(piece)) == bpe.encode(spelled(piece), merges)
        runs = {
            "heap": partial(encoder.encode_piece, piece),
            "plain": partial(bpe.encode, spelled(piece), merges),
        }
        for name, seconds in least_seconds(runs, rounds=3).items():
            rows[name][n] = seconds
    growth = {
        name: {n: row[n] / row[n // 2] for n in LENGTHS[1:]} for name, row in rows.items()
    }  # times as long for twice the bytes
    gain = {n: rows["plain"][n] / rows["heap"][n] for n in LENGTHS}
    for n in LENGTHS[1:]:
        heap, plain = growth["heap"][n], growth["plain"][n]
        print(f"\n{n:6} bytes: heap {heap:.2f}, plain {plain:.2f} times as long as half of them")
    print({n: round(value, 1) for n, value in gain.items()})
    record("autoencoder/bpe-speed", "twice_the_bytes", growth, OF)
    record("autoencoder/bpe-speed", "plain_over_heap", {"gain": gain}, OF)
    assert growth["heap"][LENGTHS[-1]] < 2.6  # n log n: 2.15
    # the plain loop looks through all once for each different merge; a longer piece has few more of these
    assert gain[LENGTHS[-1]] > 20


def test_learning_beside_counting_anew(corpus: Any) -> None:
    """A sixteenth of the corpus and 100 merges: the plain way is slow."""
    pieces = Counter(cut(bytes(corpus.train_bytes[: len(corpus.train_bytes) // 16].numpy()), SPLIT))
    words = {spelled(piece): count for piece, count in pieces.items()}

    def fast() -> list[tuple[int, int]]:
        learner, found = Learner(pieces), []
        for _ in range(100):
            pair = learner.most_frequent()
            assert pair is not None
            learner.merge(pair)
            found.append(pair)
        return found

    assert fast() == bpe.learn(words, 100)
    seconds = least_seconds({"fast": fast, "plain": partial(bpe.learn, words, 100)}, rounds=2)
    ratio = seconds["plain"] / seconds["fast"]
    print(f"\n100 merges of {len(words):,} different pieces: counting anew takes {ratio:.1f} times as long")
    record("autoencoder/bpe-speed", "learning", {"plain_over_fast": {100: ratio}}, OF)
    assert ratio > 3
