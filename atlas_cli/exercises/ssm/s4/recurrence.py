"""One step after another."""

from __future__ import annotations

from typing import Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake
from atlas_cli.exercises.ssm.s4._system import system


def inputs(draw: Draw) -> tuple[Any, ...]:
    """Two signals of three channels and seven steps, and a system."""
    return draw.normal(2, 7, 3), *system(draw)


def an_impulse(recurrence: Function) -> tuple[Any, Any]:
    """A-bar = 1/2, B-bar = 2, C = 3, the input 1, 0, 0: 6, 3, 1.5."""
    import torch

    A_bar, B_bar, C = (torch.tensor([[value]]) for value in (0.5, 2.0, 3.0))
    u = torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1)
    return recurrence(u, A_bar, B_bar, C).flatten(), torch.tensor([6.0, 3.0, 1.5])


EXERCISE = Exercise(
    topic="s4",
    name="recurrence",
    title="the system as a recurrence",
    task="""
        Inside the loop over time, move the state h, (B, H, n), one step on by the input u_t, (B, H), and
        append the output to y. A-bar, B-bar and C are (H, n). `_real_sum` sums over the states; a complex
        state stands for itself and its conjugate, and it counts both.
        """,
    equation=r"h_t = \bar A h_{t-1} + \bar B u_t \qquad y_t = C h_t",
    hints=(
        "Nothing mixes the states: all products are elementwise.",
        "u_t has no dimension of states yet: `u_t[..., None]`.",
        "`h = A_bar * h + B_bar * u_t[..., None]`, and after it `y.append(_real_sum(C * h))`.",
    ),
    mistakes=(
        Mistake(
            "        h = A_bar * h + B_bar * u_t[..., None]\n        y.append(_real_sum(C * h))  # (B, H)\n",
            "        y.append(_real_sum(C * h))\n        h = A_bar * h + B_bar * u_t[..., None]\n",
            "you read the state before the input has entered it: y_t is of h_t, so your output is one step "
            "late",
        ),
        Mistake(
            "B_bar * u_t[..., None]",
            "u_t[..., None]",
            "you left out B-bar: it says how much of an input enters each state in one step",
        ),
        Mistake(
            "_real_sum(C * h)",
            "(C * h).sum(-1).real",
            "you counted each complex state once: it stands for a conjugate pair, whose sum is twice its "
            "real part",
        ),
    ),
    inputs=inputs,
    by_hand=(an_impulse,),
    place=20,
)
