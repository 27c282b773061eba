"""The recurrence as one long filter."""

from __future__ import annotations

from typing import Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake
from atlas_cli.exercises.ssm.s4._system import system


def inputs(draw: Draw) -> tuple[Any, ...]:
    """A system, and the length of its filter."""
    return *system(draw), 6


def fading(kernel: Function) -> tuple[Any, Any]:
    """A-bar = 1/2, B-bar = 2, C = 3: 6, 3, 1.5, 0.75."""
    import torch

    A_bar, B_bar, C = (torch.tensor([[value]]) for value in (0.5, 2.0, 3.0))
    return kernel(A_bar, B_bar, C, 4).flatten(), torch.tensor([6.0, 3.0, 1.5, 0.75])


EXERCISE = Exercise(
    topic="s4",
    name="kernel",
    title="the system as one filter",
    task="""
        Unroll the recurrence: return K, (H, L), whose l-th entry is what an input of 1 still says l steps
        later. A-bar, B-bar and C are (H, n); `_real_sum` sums over the states and counts conjugates.
        """,
    equation=r"K_l = C \bar A^{\,l} \bar B \qquad l = 0, 1, \ldots, L - 1",
    hints=(
        "An input of 1 enters as B-bar. Each step later it is multiplied by A-bar once more, and C reads it.",
        "The newest input has not faded at all: l begins at 0.",
        "`torch.stack([_real_sum(C * A_bar**ago * B_bar) for ago in range(length)], dim=-1)`",
    ),
    mistakes=(
        Mistake(
            "A_bar**ago",
            "A_bar ** (ago + 1)",
            "your filter begins with A-bar to the first power: the newest input enters after the state has "
            "faded, so its power is 0",
        ),
        Mistake(
            " * B_bar",
            "",
            "you left out B-bar: it says how much of an input enters each state",
        ),
        Mistake(
            "dim=-1",
            "dim=0",
            "you stacked the steps before the channels, (L, H): a channel's filter lies along the last "
            "dimension, (H, L)",
        ),
    ),
    inputs=inputs,
    by_hand=(fading,),
    place=30,
)
