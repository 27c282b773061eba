"""softmax(q k' / sqrt(Dh)) v, without a look ahead."""

from __future__ import annotations

from typing import Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake


def inputs(draw: Draw) -> tuple[Any, ...]:
    """Queries, keys and values of two texts; of some only the last tokens ask, and some see a window."""
    asked, window = draw.pick((7, 3)), draw.pick((None, None, 4))
    return draw.normal(2, 3, asked, 8), draw.normal(2, 3, 7, 8), draw.normal(2, 3, 7, 8), window


def no_preference(written_out: Function) -> tuple[Any, Any]:
    """Queries of zero over the values 1, 2, 6: each token takes the mean of those so far, 1, 1.5, 3."""
    import torch

    v = torch.tensor([1.0, 2.0, 6.0]).view(1, 1, 3, 1)
    return written_out(torch.zeros_like(v), torch.ones_like(v), v).flatten(), torch.tensor([1.0, 1.5, 3.0])


EXERCISE = Exercise(
    topic="gpt",
    name="attention",
    title="causal attention, with its matrix",
    task="""
        Score every query against every key, hide the keys that stand later than the query, make
        probabilities of each query's row, and mix the values by them.

        q is (B, H, L, Dh), k and v are (B, H, S, Dh); the last query stands at the last key, so that L may
        be smaller than S. With a `window`, a query sees only that many keys, itself included.
        """,
    equation=r"\mathrm{softmax}\left(\frac{q k^T}{\sqrt{D_h}} + \mathrm{mask}\right) v",
    hints=(
        "`q @ k.mT` is every score at once, (B, H, L, S). What has the sum of Dh products to be divided by, "
        "to stay of the size of one?",
        "Query i stands at position S - L + i. A key is hidden if its position is larger; hide it before the "
        "softmax, so that each row still sums to one.",
        "`scores.masked_fill(hidden, float('-inf')).softmax(dim=-1) @ v`, where `hidden` compares "
        "`torch.arange(n_keys)` with `torch.arange(n_keys - n_queries, n_keys)[:, None]`, and with a window "
        "also `key <= at - window`.",
    ),
    mistakes=(
        Mistake(
            " / q.shape[-1] ** 0.5",
            "",
            "you left out 1/√Dh: scores grow with the width of a head, and the softmax turns into a choice "
            "of one",
        ),
        Mistake(
            "softmax(dim=-1)",
            "softmax(dim=-2)",
            "your softmax runs over the queries: each key's column sums to one, where each query's row "
            "should",
        ),
        Mistake(
            'masked_fill(hidden, float("-inf")).softmax(dim=-1)',
            "softmax(dim=-1).masked_fill(hidden, 0.0)",
            "you masked after the softmax: what later keys took is missing, and rows sum to less than one",
        ),
    ),
    inputs=inputs,
    by_hand=(no_preference,),
    place=10,
    trains="gpt/ci",
    replaces="nets.attention:attend",
)
