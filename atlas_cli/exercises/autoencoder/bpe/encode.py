"""A word that no merge has counted, in tokens."""

from __future__ import annotations

from typing import Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake

#: Of the merges: tokens 256 to 261 are ab, bc, abc, cd, abcd and bcd, with a, b, c, d being 0, 1, 2, 3.
MERGES = [(0, 1), (1, 2), (256, 2), (2, 3), (258, 3), (257, 3)]


def inputs(draw: Draw) -> tuple[Any, ...]:
    """A word of four kinds of bytes, and six merges, in another order from case to case."""
    word = (*draw.integers(0, 4, 16).tolist(), 3, 0, 1, 2, 0, 3, 1, 2, 3)  # pairs that overlap, in each case
    orders = ([(0, 1), (1, 2), (2, 3)], [(1, 2), (0, 1), (2, 3)], [(2, 3), (1, 2), (0, 1)])
    return word, [*draw.pick(orders), (256, 256), (257, 2), (258, 258)]


def in_the_order_of_learning(encode: Function) -> tuple[Any, Any]:
    """a b c d: a b was learned first, then ab c, then abc d. Leftmost and longest would do the same."""
    return encode((0, 1, 2, 3), MERGES), (260,)


def not_from_the_left(encode: Function) -> tuple[Any, Any]:
    """x a b with x a learned after a b: a b is joined although x a stands further left."""
    return encode((7, 0, 1), [(0, 1), (7, 0)]), (7, 256)


EXERCISE = Exercise(
    topic="bpe",
    name="encode",
    title="replay the merges",
    task="""
        `ranks` gives for each pair that was merged which merge it was, counted from 0; merge r made token
        256 + r. Encode the word: of all pairs that stand in it now, join the one that was learned first,
        wherever it stands, and begin again, until none of them is known. `join(word, pair, new)` joins one.
        """,
    equation=r"\arg\min_{(a, b) \in \mathrm{word}} \mathrm{rank}(a, b)",
    hints=(
        "After each merge there are new pairs in the word, so they must be looked for anew.",
        "Collect the pairs of the word that are in `ranks`; if there are none, you are done. Else take the "
        "one of the smallest rank.",
        "`pairwise(word)` gives the pairs, `min(known, key=ranks.__getitem__)` the first learned, and its "
        "new token is `256 + ranks[first]`.",
    ),
    mistakes=(
        Mistake(
            "min(known, key=ranks.__getitem__)",
            "known[0]",
            "you joined the leftmost pair: training joined the most frequent one first, and so must you",
        ),
        Mistake(
            "min(known, key=ranks.__getitem__)",
            "max(known, key=ranks.__getitem__)",
            "you joined the pair that was learned last: merges are replayed from the first to the last",
        ),
        Mistake(
            "while known",
            "if known",
            "you joined one pair and stopped: what it made may be part of another pair",
        ),
    ),
    inputs=inputs,
    by_hand=(in_the_order_of_learning, not_from_the_left),
    place=30,
)
