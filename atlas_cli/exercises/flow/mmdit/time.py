"""When to look: most often midway."""

from __future__ import annotations

from typing import Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake


def inputs(draw: Draw) -> tuple[Any, ...]:
    """Standard normal draws of a batch, a mean and a width."""
    return draw.normal(16, 1, 1, 1), draw.pick((0.0, -0.8, 0.5)), draw.pick((1.5, 0.5, 2.0, 0.8))


def at_the_mean(logit_normal: Function) -> tuple[Any, Any]:
    """A draw of 0 gives the sigmoid of the mean, whatever the width: 1 / (1 + 1/3) = 0.75 at log 3."""
    import math

    import torch

    return logit_normal(torch.zeros(1, 1, 1, 1), math.log(3), 0.7).item(), 0.75


def one_width_below(logit_normal: Function) -> tuple[Any, Any]:
    """A draw of -1, of mean 0 and width log 3: the sigmoid of -log 3 is 1 / (1 + 3) = 0.25."""
    import math

    import torch

    return logit_normal(-torch.ones(1, 1, 1, 1), 0.0, math.log(3)).item(), 0.25


EXERCISE = Exercise(
    topic="mmdit",
    name="time",
    title="times that visit the middle of the path",
    task="""
        Make a time for each pair of the batch from standard normal draws, (B, 1, 1, 1), so that its logit,
        log(t / (1 - t)), is normal with this mean and this standard deviation, the width. Times lie between
        0, noise, and 1, data.
        """,
    equation=r"t = \frac{1}{1 + e^{-u}} \qquad u \sim \mathcal{N}(m, s^2)",
    hints=(
        "Make the logit first, then ask which time has it.",
        "A normal number of mean m and deviation s is m plus s times a standard normal one. The inverse of "
        "the logit is the sigmoid.",
        "`(m + s * z).sigmoid()` with z the standard normal draws.",
    ),
    mistakes=(
        Mistake(
            ".sigmoid()",
            ".exp()",
            "you took the exponential: that is the odds t / (1 - t), and a time lies between 0 and 1",
        ),
        Mistake(
            "width * normal",
            "width**2 * normal",
            "you scaled by the variance: a normal number is scaled by its standard deviation",
        ),
        Mistake(
            "(mean + width * normal).sigmoid()",
            "mean + width * normal.sigmoid()",
            "you squeezed before you moved: mean and width belong to the logit, or times leave 0 to 1",
        ),
    ),
    inputs=inputs,
    by_hand=(at_the_mean, one_width_below),
    place=20,
)
