"""The largest stretch of a matrix, found by using it."""

from __future__ import annotations

import math
from typing import Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake


def inputs(draw: Draw) -> tuple[Any, ...]:
    """A matrix of four outputs and three inputs, a direction, and one to three rounds."""
    return draw.normal(4, 3), draw.normal(3), draw.pick((1, 2, 3))


def two_stretches(power_iteration: Function) -> tuple[Any, Any]:
    """W stretches the axes by 3 and 1, and v = (1, 1).

    W v = (3, 1), u = (3, 1) / sqrt(10), W u ~ (9, 1), v = (9, 1) / sqrt(82): u W v = 82 / sqrt(820).
    """
    import torch

    W = torch.diag(torch.tensor([3.0, 1.0]))
    return power_iteration(W, torch.ones(2), 1)[2].item(), 82 / math.sqrt(820)


EXERCISE = Exercise(
    topic="sngan",
    name="power_iteration",
    title="the largest stretch of a matrix, without taking it apart",
    task="""
        Follow a direction through the matrix and back, `rounds` times. In each round `u` becomes the
        direction of W v, of length one, and then `v` that of the transposed W times u. Return u, v and
        the estimate of the largest singular value, u^T W v.
        """,
    equation=r"u \leftarrow \frac{W v}{\| W v \|}, \quad v \leftarrow \frac{W^T u}{\| W^T u \|}, "
    r"\quad \hat\sigma = u^T W v",
    hints=(
        "`F.normalize(x, dim=0)` divides a vector by its length.",
        "v is an input of W and u an output: from u back to an input leads `W.T`.",
        "After the loop the estimate is `u @ W @ v`, a number.",
    ),
    mistakes=(
        Mistake(
            "v = F.normalize(W.T @ u, dim=0)",
            "v = W.T @ u",
            "v is not of length one: its length then stands in the estimate, and grows from round to round",
        ),
        Mistake(
            "u = F.normalize(W @ v, dim=0)",
            "u = W @ v",
            "u is not of length one, so the estimate is not a stretch",
        ),
        Mistake(
            "range(rounds)",
            "range(1)",
            "one round whatever `rounds` says: the estimate stays too small where two stretches are alike",
        ),
    ),
    inputs=inputs,
    by_hand=(two_stretches,),
    place=10,
)
