"""Which pair is merged next."""

from __future__ import annotations

from typing import Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake


def inputs(draw: Draw) -> tuple[Any, ...]:
    """Counts of twelve pairs, of which several are the largest."""
    pairs = {tuple(pair) for pair in draw.integers(0, 9, 12, 2).tolist()}
    return ({pair: int(draw.integers(1, 4, 1)) for pair in sorted(pairs, key=lambda pair: pair[1])},)


def a_tie(most_frequent: Function) -> tuple[Any, Any]:
    """(5, 1), (2, 7) and (2, 3) stand four times each: (2, 3) has the smallest first token, then second."""
    return most_frequent({(5, 1): 4, (2, 7): 4, (2, 3): 4, (0, 0): 3}), (2, 3)


EXERCISE = Exercise(
    topic="bpe",
    name="most_frequent",
    title="the pair to merge",
    task="""
        `counts` tells how often each pair of tokens stands in the corpus. Return the pair that stands most
        often. Of several with that count return the one whose left token is smallest, and of those the one
        whose right token is: two programs that break ties in another way learn other vocabularies.
        """,
    equation=r"\arg\max_{(a, b)} \mathrm{count}(a, b)",
    hints=(
        "Python compares tuples from the left: (2, 3) < (2, 7) < (5, 1).",
        "A key that is a tuple sorts by its first part and breaks ties by its second. Which sign must the "
        "count have, so that the smallest key is the right one?",
        "`min(counts, key=...)` with a key of minus the count and the pair itself.",
    ),
    mistakes=(
        Mistake(
            "(-counts[pair], pair)",
            "(counts[pair], pair)",
            "you took the rarest pair: merging it shortens nothing",
        ),
        Mistake(
            "min(counts, key=lambda pair: (-counts[pair], pair))",
            "max(counts, key=lambda pair: (counts[pair], pair))",
            "of pairs with the same count you took the one with the largest tokens, not the smallest",
        ),
        Mistake(
            "(-counts[pair], pair)",
            "-counts[pair]",
            "of pairs with the same count you took the one that was counted first: another order of the "
            "corpus then gives another vocabulary",
        ),
    ),
    inputs=inputs,
    by_hand=(a_tie,),
    place=20,
)
