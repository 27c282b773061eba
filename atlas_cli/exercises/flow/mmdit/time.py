"""When to look: most often midway."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake


def inputs(draw: Draw) -> tuple[Any, ...]:
    """A mean, a width, and the draws of a batch."""
    mean, width = draw.pick((0.0, -0.8, 0.5)), draw.pick((1.0, 0.5, 1.5, 0.8))
    return _stub(mean, width), _Random(draw.normal(16, 1, 1, 1))


class _Random:
    """Draws of a batch that are known beforehand."""

    def __init__(self, drawn: Any) -> None:
        self.drawn = drawn

    def normal(self, *shape: int) -> Any:
        """The draws, which have this shape for each datum."""
        return self.drawn.view(-1, *shape)

    def uniform(self, *shape: int) -> Any:
        """The share of a normal below each draw."""
        return (1 + (self.normal(*shape) / 2**0.5).erf()) / 2


def _stub(mean: float, width: float) -> Any:
    return SimpleNamespace(config=SimpleNamespace(times="logit-normal", time_mean=mean, time_width=width))


def at_the_mean(time: Function) -> tuple[Any, Any]:
    """A draw of 0 gives the sigmoid of the mean, whatever the width: 1 / (1 + 1/3) = 0.75 at log 3."""
    import math

    import torch

    return time(_stub(math.log(3), 0.7), _Random(torch.zeros(1, 1, 1, 1))).item(), 0.75


def one_width_below(time: Function) -> tuple[Any, Any]:
    """A draw of -1, of mean 0 and width log 3: the sigmoid of -log 3 is 1 / (1 + 3) = 0.25."""
    import math

    import torch

    return time(_stub(0.0, math.log(3)), _Random(-torch.ones(1, 1, 1, 1))).item(), 0.25


EXERCISE = Exercise(
    topic="mmdit",
    name="time",
    title="times that visit the middle of the path",
    task="""
        Draw a time for each pair of the batch, (B, 1, 1, 1), from the logit-normal distribution: its logit,
        log(t / (1 - t)), is normal with mean `self.config.time_mean` and standard deviation
        `self.config.time_width`. `random.normal(1, 1, 1)` draws standard normal numbers in that shape.
        """,
    equation=r"t = \frac{1}{1 + e^{-u}} \qquad u \sim \mathcal{N}(m, s^2)",
    hints=(
        "Draw the logit, then ask which time has it.",
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
            "self.config.time_width * random.normal(1, 1, 1)",
            "self.config.time_width**2 * random.normal(1, 1, 1)",
            "you scaled by the variance: a normal number is scaled by its standard deviation",
        ),
        Mistake(
            "random.normal(1, 1, 1)",
            "random.uniform(1, 1, 1)",
            "you drew uniform numbers: their logit has edges, and the ends of the path are never seen",
        ),
    ),
    inputs=inputs,
    by_hand=(at_the_mean, one_width_below),
    place=20,
)
