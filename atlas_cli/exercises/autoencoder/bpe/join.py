"""One merge, on one word."""

from __future__ import annotations

from typing import Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake


def inputs(draw: Draw) -> tuple[Any, ...]:
    """A word of three kinds of tokens, a pair of these, and the new token."""
    word = tuple(draw.integers(0, 3, 14).tolist())
    return word, draw.pick(((0, 1), (1, 0), (2, 2))), 9


def an_overlap(join: Function) -> tuple[Any, Any]:
    """a a a b with a a joined: the first two are joined, the third is left over."""
    return join((0, 0, 0, 1), (0, 0), 9), (9, 0, 1)


def nothing_there(join: Function) -> tuple[Any, Any]:
    """b a has no a b in it: the word stays as it is."""
    return join((1, 0), (0, 1), 9), (1, 0)


EXERCISE = Exercise(
    topic="bpe",
    name="join",
    title="join a pair",
    task="""
        Return the word with the token `new` in the place of every pair `pair`, found from the left. All other
        tokens stay, in their order, and a token belongs to one pair at most.
        """,
    equation=r"(\ldots, a, b, \ldots) \rightarrow (\ldots, ab, \ldots)",
    hints=(
        "Walk through the word with a place `i`. Two things can happen at it: the pair begins there, or not.",
        "Where it begins, write `new` and go on two places further; else copy the token and go on by one.",
        "`tuple(word[i : i + 2]) == pair` says whether it begins at `i`, also at the last token, where the "
        "slice has only one.",
    ),
    mistakes=(
        Mistake(
            "i += 2 if found else 1",
            "i += 1",
            "you went on by one after a pair: its right token stands in the result once more",
        ),
        Mistake(
            "tuple(word[i : i + 2]) == pair",
            "sorted(word[i : i + 2]) == sorted(pair)",
            "you joined the pair in either order: b a is another pair than a b",
        ),
        Mistake(
            "while i < len(word):",
            "while i < len(word) - 1:",
            "you stopped one token early: the last one is lost where no pair ends the word",
        ),
    ),
    inputs=inputs,
    by_hand=(an_overlap, nothing_there),
    place=10,
)
