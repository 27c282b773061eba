"""Byte-pair encoding of one sentence, merge by merge.

Source:  Sennrich et al. 2016, arXiv:1508.07909, Algorithm 1.
"""

from __future__ import annotations

from collections import Counter
from functools import cache

from atlas_cli.diagrams.frames import Curves, Explorable, Frame, Knob, Series, Tokens, Words
from atlas_cli.systems.autoencoder.merging import Encoder, Learner, Pair

SENTENCE = "the thin thief thinks that the other thinker thanked the three thirsty mothers"
N_MERGES = 30


@cache
def merged(n: int) -> tuple[tuple[tuple[str, ...], ...], tuple[tuple[str, str, int], ...]]:
    """The words in pieces after n merges, and the merges with how often the pair stood there."""
    words = [("_" if i else "") + word for i, word in enumerate(SENTENCE.split())]
    learner = Learner(Counter(word.encode() for word in words))
    pairs: list[Pair] = []
    made: list[tuple[str, str, int]] = []
    while len(pairs) < n and (pair := learner.most_frequent()) is not None:
        left, right = (learner.spellings[token].decode() for token in pair)
        made.append((left, right, learner.pairs[pair]))
        pairs.append(pair)
        learner.merge(pair)
    encoder = Encoder(pairs, "gpt2")
    pieces = (encoder.encode_piece(word.encode()) for word in words)
    return tuple(tuple(encoder.spellings[t].decode() for t in piece) for piece in pieces), tuple(made)


def bpe(merges: int) -> Frame:
    """The sentence in tokens after some merges."""
    pieces, made = merged(merges)
    tokens = [piece for word in pieces for piece in word]
    counts = Counter(tokens)
    longest = max(map(len, tokens))
    shown = tuple((piece, len(piece) / max(longest, 6), f"×{counts[piece]}") for piece in tokens)
    sizes = tuple(sum(map(len, merged(k)[0])) for k in range(N_MERGES + 1))
    letters = len(set(SENTENCE.replace(" ", "_")))
    last = tuple(f"{i + 1}. {a} + {b} → {a + b}   {_times(c)}" for i, (a, b, c) in enumerate(made))
    curve = Series("tokens in the sentence", tuple(range(N_MERGES + 1)), sizes)
    return Frame(
        (
            (Tokens("The sentence in tokens (_ is a blank)", shown),),
            (
                Words(
                    "Last merges, and how often each pair stood",
                    last[-5:] or ("none yet: every letter is a token",),
                ),
                Curves(
                    "Length of the sentence",
                    (curve,),
                    "merges",
                    "tokens",
                    marker=merges,
                    drag="merges",
                ),
            ),
        ),
        f"After {'1 merge' if merges == 1 else f'{merges} merges'} the sentence has {len(tokens)} tokens. "
        f"{_last(made)}Each merge makes one new token of the pair that stands most often side by side.",
        {
            "tokens": len(tokens),
            "vocabulary": letters + merges,
            "letters a token": len(SENTENCE) / len(tokens),
        },
    )


def _last(made: tuple[tuple[str, str, int], ...]) -> str:
    if not made:
        return ""
    left, right, count = made[-1]
    return f"The last one joined {left} and {right}, which stood side by side {_times(count)}. "


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


EXPLORABLE = Explorable(
    "bpe", "autoencoder", ("bpe",), "Letters become words",
    "Which pieces become words first? When is one more merge no longer worth its place?",
    (Knob("merges", "merges", tuple(range(N_MERGES + 1)), 6, "play"),),
    bpe,
    place=50,
)  # fmt: skip
