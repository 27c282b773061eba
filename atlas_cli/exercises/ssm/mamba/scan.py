"""A recurrence that decides at each step what enters and what fades."""

from __future__ import annotations

from typing import Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake


def inputs(draw: Draw) -> tuple[Any, ...]:
    """Two sequences of six steps, four channels of three states; B and C of each token, or fixed."""
    own = draw.number % 3 != 2
    B, C = ((draw.normal(2, 6, 3) if own else draw.normal(4, 3)) for _ in range(2))
    return draw.normal(2, 6, 4), draw.uniform(0.1, 1.5, 2, 6, 4), -draw.uniform(0.2, 2.0, 4, 3), B, C


def two_steps(scan: Function) -> tuple[Any, Any]:
    """A = -1, delta = ln 2 (half fades), B = C = 1, x = 1, 1: 0.693, then 0.347 + 0.693 = 1.040."""
    import torch

    x, delta, one = torch.ones(1, 2, 1), torch.full((1, 2, 1), 0.693147), torch.ones(1, 2, 1)
    return scan(x, delta, torch.tensor([[-1.0]]), one, one).flatten(), torch.tensor([0.693147, 1.039721])


EXERCISE = Exercise(
    topic="mamba",
    name="scan",
    title="the selective scan, in a loop",
    task="""
        Run the recurrence over time. x and delta are (B, L, D), A is (D, N), and B and C have been given a
        place for the channels: they multiply (B, L, D, N). Return the outputs, (B, L, D).

        delta decides both: how much of the state is left, and how much of the token enters.
        """,
    equation=r"h_t = e^{\Delta_t A} h_{t-1} + \Delta_t B_t x_t \qquad y_t = C_t h_t",
    hints=(
        "Prepare for all steps at once what is left of the state, and what enters; then a loop over t.",
        "`torch.exp(delta[..., None] * A)` is (B, L, D, N). What enters is delta times x, for every state "
        "times B.",
        "`h = A_bar[:, t] * h + B_bar_x[:, t]`, then `y.append((C[:, t] * h).sum(-1))`; at the end "
        "`torch.stack(y, dim=1)`.",
    ),
    mistakes=(
        Mistake(
            "(delta * x)[..., None] * B",
            "x[..., None] * B",
            "you let x enter without delta: a token with a small step is one to pass over, and must leave "
            "no trace",
        ),
        Mistake(
            "torch.exp(delta[..., None] * A)",
            "1 + delta[..., None] * A",
            "you took 1 + delta A for what is left: it is e^(delta A), which stays between 0 and 1 however "
            "large the step",
        ),
        Mistake(
            "        h = A_bar[:, t] * h + B_bar_x[:, t]  # eq. 2a\n"
            "        y.append((C[:, t] * h).sum(-1))  # eq. 2b: (B, D)\n",
            "        y.append((C[:, t] * h).sum(-1))\n        h = A_bar[:, t] * h + B_bar_x[:, t]\n",
            "you read the state before the token has entered it: y_t is of h_t, so your output is one step "
            "late",
        ),
    ),
    inputs=inputs,
    by_hand=(two_steps,),
    place=10,
    trains="mamba/ci",
    replaces="nets.scan:selective_scan",
)
