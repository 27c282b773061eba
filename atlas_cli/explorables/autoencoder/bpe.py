"""Byte-pair encoding of one sentence, merge by merge.

Source:  Sennrich et al. 2016, arXiv:1508.07909, Algorithm 1.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from itertools import pairwise

from atlas_cli.diagrams.frames import Curves, Explorable, Frame, Knob, Series, Tokens, Words

SENTENCE = "the thin thief thinks that the other thinker thanked the three thirsty mothers"
N_MERGES = 30


@cache
def merged(n: int) -> tuple[tuple[tuple[str, ...], ...], tuple[tuple[str, str, int], ...]]:
    """The words of the sentence in pieces after n merges, and the merges with how often the pair stood there.

    Sennrich et al. 2016, Algorithm 1: the most frequent pair becomes a symbol; the first seen wins a tie.
    """
    words = [("_" if i else "", *word) for i, word in enumerate(SENTENCE.split())]
    pieces = [tuple(piece for piece in word if piece) for word in words]
    made: list[tuple[str, str, int]] = []
    for _ in range(n):
        pairs = Counter(pair for word in pieces for pair in pairwise(word))
        (left, right), count = max(pairs.items(), key=lambda item: item[1])
        made.append((left, right, count))
        pieces = [_join(word, left, right) for word in pieces]
    return tuple(pieces), tuple(made)


def _join(word: tuple[str, ...], left: str, right: str) -> tuple[str, ...]:
    joined: list[str] = []
    i = 0
    while i < len(word):
        both = word[i : i + 2] == (left, right)
        joined.append(left + right if both else word[i])
        i += 2 if both else 1
    return tuple(joined)


def bpe(merges: int) -> Frame:
    """The sentence in tokens after some merges."""
    pieces, made = merged(merges)
    tokens = [piece for word in pieces for piece in word]
    counts = Counter(tokens)
    longest = max(map(len, tokens))
    shown = tuple((piece, len(piece) / max(longest, 6), f"×{counts[piece]}") for piece in tokens)
    sizes = tuple(sum(map(len, merged(k)[0])) for k in range(N_MERGES + 1))
    letters = len(set(SENTENCE.replace(" ", "_")))
    last = tuple(
        f"{i + 1}. {a} + {b} → {a + b}   stood there {_times(c)}" for i, (a, b, c) in enumerate(made)
    )
    curve = Series("tokens in the sentence", tuple(range(N_MERGES + 1)), sizes)
    return Frame(
        (
            (Tokens("The sentence in tokens (_ is a blank)", shown),),
            (
                Words("Last merges", last[-5:] or ("none yet: every letter is a token",)),
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
