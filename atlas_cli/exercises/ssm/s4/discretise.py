"""From a law for every moment to one for every step."""

from __future__ import annotations

from typing import Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake


def inputs(draw: Draw) -> tuple[Any, ...]:
    """States that fade, and in half of the cases turn; step sizes; both rules."""
    import torch

    real, turn = -draw.uniform(0.2, 2.0, 3, 4), draw.uniform(-3.0, 3.0, 3, 4)
    A = torch.complex(real, turn) if draw.number in (1, 2, 5) else real
    return A, draw.uniform(0.05, 0.8, 3, 1), draw.pick(("zoh", "bilinear"))


def by_zoh(discretise: Function) -> tuple[Any, Any]:
    """zoh, A = -1, delta = ln 2: what is left is 1/2, what enters is (1/2 - 1) / -1 = 1/2."""
    import torch

    return torch.stack(discretise(torch.tensor(-1.0), torch.tensor(0.693147), "zoh")), torch.tensor(
        [0.5, 0.5]
    )


def by_the_trapezoid(discretise: Function) -> tuple[Any, Any]:
    """bilinear, A = -1, delta = 1: (1 - ½) / (1 + ½) = 1/3, and 1 / (1 + ½) = 2/3."""
    import torch

    got = torch.stack(discretise(torch.tensor(-1.0), torch.tensor(1.0), "bilinear"))
    return got, torch.tensor([1 / 3, 2 / 3])


EXERCISE = Exercise(
    topic="s4",
    name="discretise",
    title="make time discrete",
    task="""
        h' = A h + u is a law for every moment. Return A-bar and B-bar of the recurrence h_t = A-bar h +
        B-bar u_t over steps of length delta: by "zoh", exact where the input stands still during a step, or
        "bilinear", the trapezoid rule. A holds one number a state, real or complex.
        """,
    equation=r"\bar A = e^{\Delta A},\quad \bar B = \frac{e^{\Delta A} - 1}{A} \qquad"
    r" \bar A = \frac{1 + \Delta A / 2}{1 - \Delta A / 2},\quad \bar B = \frac{\Delta}{1 - \Delta A / 2}",
    hints=(
        "Without input, h' = A h is solved by an exponential. That is A-bar of the first rule.",
        "A still input u adds the integral of e^(A s) over one step; `torch.expm1` is e^x - 1 without "
        "losing digits where x is small.",
        "`torch.exp(step), torch.expm1(step) / A` with `step = delta * A`; for the trapezoid the equation "
        "stands as it is.",
    ),
    mistakes=(
        Mistake(
            "torch.exp(step), torch.expm1(step) / A",
            "1 + step, delta * torch.ones_like(A)",
            "for zoh you took Euler's step, 1 + delta A: it is right for small steps only, and for large "
            "ones the state grows where it should fade",
        ),
        Mistake(
            "torch.expm1(step) / A",
            "torch.expm1(step)",
            "for zoh you left out the division by A: an input of 1 that stays ends at -1/A",
        ),
        Mistake(
            "(1 + step / 2) / (1 - step / 2)",
            "(1 - step / 2) / (1 + step / 2)",
            "you turned the trapezoid's quotient around: a state that fades has a negative A, and must be "
            "multiplied by less than one",
        ),
    ),
    inputs=inputs,
    by_hand=(by_zoh, by_the_trapezoid),
    place=10,
)
