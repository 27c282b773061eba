"""One word is encoded, merge by merge: in the order of learning, or from the left.

Source:  Sennrich et al. 2016, arXiv:1508.07909, section 3.2: the operations are applied as they were learned.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise

from atlas_cli.diagrams.frames import Explorable, Frame, Knob, Tokens, Words
from atlas_cli.explorables.autoencoder._prose import N_MERGES
from atlas_cli.explorables.autoencoder._prose import encoder as learned
from atlas_cli.present.spelling import shown
from atlas_cli.systems.autoencoder.merging import Encoder, Pair, joined
from atlas_cli.systems.autoencoder.pieces import spelled

WORDS = ("redistribution", "retraining", "tokenization", "20262026")  # each after a blank, as within a text
ORDERS = ("as learned", "from the left")
STEPS = 10


@cache
def replayed(word: str, order: str) -> tuple[tuple[tuple[int, ...], Pair | None], ...]:
    """The word before each merge and the pair that is joined next; the last has none."""
    encoder = learned(N_MERGES)
    tokens = list(spelled(f" {word}".encode()))
    moments: list[tuple[tuple[int, ...], Pair | None]] = []
    while known := [pair for pair in pairwise(tokens) if pair in encoder.ranks]:
        pair = known[0] if order == ORDERS[1] else min(known, key=lambda one: encoder.ranks[one])
        moments.append((tuple(tokens), pair))
        tokens = joined(tokens, pair, encoder.ranks[pair][1])
    return (*moments, (tuple(tokens), None))


def merge_replay(step: int, word: str, order: str) -> Frame:
    """The word after some merges."""
    encoder = learned(N_MERGES)
    moments = replayed(word, order)
    tokens, pair = moments[min(step, len(moments) - 1)]
    longest = max(len(encoder.spellings[token]) for token in moments[-1][0])
    joins = {place for place, found in enumerate(pairwise(tokens)) if found == pair}
    pieces = tuple(
        (
            shown(encoder.spellings[token]),
            len(encoder.spellings[token]) / longest,
            "next" if place in joins or place - 1 in joins else "",
        )
        for place, token in enumerate(tokens)
    )
    ranked = sorted((encoder.ranks[p][0], p) for p in set(pairwise(tokens)) if p in encoder.ranks)
    lines = tuple(f"{_spelled(encoder, p)}   merge {rank + 1}" for rank, p in ranked[:8])
    others = {name: len(replayed(word, name)[-1][0]) for name in ORDERS}
    said = (
        f"{_spelled(encoder, pair)} is joined next, merge {encoder.ranks[pair][0] + 1}."
        if pair is not None
        else f"No pair that stands here was ever merged: these {len(tokens)} tokens are the answer."
    )
    return Frame(
        (
            (Tokens("The word in tokens", pieces),),
            (Words("Pairs that can be merged, the first learned on top", lines or ("none",)),),
        ),
        f"{said} {ORDERS[0].capitalize()}, the word ends in {others[ORDERS[0]]} tokens; {ORDERS[1]}, "
        f"in {others[ORDERS[1]]}.",
        {"tokens": len(tokens), "merges done": min(step, len(moments) - 1)},
    )


def _spelled(encoder: Encoder, pair: Pair) -> str:
    return " + ".join(shown(encoder.spellings[token]) for token in pair)


EXPLORABLE = Explorable(
    "merge-replay", "autoencoder", ("bpe",), "Merges replayed on a new word",
    "Why does an encoder not simply join what stands furthest to the left?",
    (
        Knob("step", "merges done", tuple(range(STEPS + 1)), 3, "play"),
        Knob("word", "word", WORDS, WORDS[0], "choice"),
        Knob("order", "order", ORDERS, ORDERS[0], "choice"),
    ),
    merge_replay,
    place=52,
)  # fmt: skip
