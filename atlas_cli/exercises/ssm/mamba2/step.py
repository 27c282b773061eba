"""One step of Mamba-2, a matrix a head."""

from __future__ import annotations

from typing import Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake


def inputs(draw: Draw) -> tuple[Any, ...]:
    """Two texts, three heads of four channels, five states; B and C shared by all heads."""
    x, delta, A = draw.normal(2, 3, 4), draw.uniform(0.1, 1.5, 2, 3), -draw.uniform(0.2, 2.0, 3)
    return x, delta, A, draw.normal(2, 5), draw.normal(2, 5), draw.normal(2, 3, 5, 4)


def one_number(step: Function) -> tuple[Any, Any]:
    """A = -1, delta = ln 2, the state 4, B = 3, x = 1, C = 2: state 2 + 3 · 0.693 = 4.079, output 8.159."""
    import torch

    one = torch.ones(1, 1)
    y, state = step(
        one.view(1, 1, 1),
        0.693147 * one,
        torch.tensor([-1.0]),
        3 * one,
        2 * one,
        torch.full((1, 1, 1, 1), 4.0),
    )
    return torch.stack([state.flatten()[0], y.flatten()[0]]), torch.tensor([4.079442, 8.158883])


EXERCISE = Exercise(
    topic="mamba2",
    name="step",
    title="one step of a head's matrix",
    task="""
        Move the state, (B, H, N, P), one step on and read it. x_t is (B, H, P), delta_t is (B, H), A is one
        number a head, (H,), and B_t and C_t are (B, H, N) by now. Return the output, (B, H, P), and the new
        state.
        """,
    equation=r"h_t = e^{\Delta_t A} h_{t-1} + B_t (\Delta_t x_t)^T \qquad y_t = C_t^T h_t",
    hints=(
        "A whole matrix fades by one number a head. What enters is an outer product: N states by P channels.",
        "`B_t.unsqueeze(-1) * u.unsqueeze(-2)` is the outer product of B_t, (B, H, N), and u, (B, H, P).",
        "`decay = torch.exp(delta_t * A)[..., None, None]`; then `(C_t.unsqueeze(-2) @ state).squeeze(-2)` "
        "reads the new state.",
    ),
    mistakes=(
        Mistake(
            "torch.exp(delta_t * A)[..., None, None]",
            "torch.exp(A)[:, None, None]",
            "your state fades by e^A at every step: how much it fades is each token's choice, e^(delta A)",
        ),
        Mistake(
            "(delta_t.unsqueeze(-1) * x_t)",
            "x_t",
            "you let x enter without delta: a token with a small step must leave no trace",
        ),
        Mistake(
            "    state = decay * state + B_t.unsqueeze(-1) * (delta_t.unsqueeze(-1) * x_t).unsqueeze(-2)\n"
            "    return (C_t.unsqueeze(-2) @ state).squeeze(-2), state",
            "    y = (C_t.unsqueeze(-2) @ state).squeeze(-2)\n"
            "    return y, decay * state + B_t.unsqueeze(-1) * (delta_t.unsqueeze(-1) * x_t).unsqueeze(-2)",
            "you read the old state: y_t is of h_t, after the token has entered",
        ),
    ),
    inputs=inputs,
    by_hand=(one_number,),
    source="nets.ssd",
    place=10,
)
