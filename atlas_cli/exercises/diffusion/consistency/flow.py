"""The neighbour of a point, on its own path."""

from __future__ import annotations

from types import MethodType, SimpleNamespace
from typing import TYPE_CHECKING, Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake

if TYPE_CHECKING:
    from torch import Tensor


def inputs(draw: Draw) -> tuple[Any, ...]:
    """Points at different levels, estimates of their images, and the next level of each; one is the last."""
    t = draw.integers(2, 8, 4)
    s = t - draw.integers(1, 3, 4)
    s[0] = -1
    stub = _student(draw.uniform(0.05, 0.95, 8))
    return stub, draw.normal(4, 1, 6, 6), draw.normal(4, 1, 6, 6), t, s


def _student(alpha_bar: Tensor) -> Any:
    from atlas_cli.systems.diffusion.consistency import Consistency

    stub = SimpleNamespace(student=SimpleNamespace(alpha_bar=alpha_bar))
    stub.levels = MethodType(Consistency.levels, stub)
    return stub


def down_one_level(flow: Function) -> tuple[Any, Any]:
    """x_t = 2.2 = 0.6 · 1 + 0.8 · 2, and at s the sizes are 0.8 and 0.6: 0.8 · 1 + 0.6 · 2 = 2."""
    import torch

    x_t, data = torch.full((1, 1, 1, 1), 2.2), torch.full((1, 1, 1, 1), 1.0)
    stub = _student(torch.tensor([0.64, 0.36]))
    return flow(stub, x_t, data, torch.tensor([1]), torch.tensor([0])).item(), 2.0


EXERCISE = Exercise(
    topic="consistency",
    name="flow",
    title="the next point on the same path",
    task="""
        Distillation needs two neighbours on one path. Given x_t and an estimate of its image, return x_s:
        the same image and the same noise at another level. `self.levels(t)` gives the size of the image and
        of the noise, (B, 1, 1, 1) each; each point of the batch has levels of its own.
        """,
    equation=r"x_s = \sqrt{\bar\alpha_s}\, x_0 + \sqrt{1 - \bar\alpha_s}\;"
    r" \frac{x_t - \sqrt{\bar\alpha_t}\, x_0}{\sqrt{1 - \bar\alpha_t}}",
    hints=(
        "It is DDIM's step with eta = 0: nothing is drawn, or the two would not be on one path.",
        "First the noise that x_t holds beside the image: subtract the image at its size, divide by the "
        "size of the noise.",
        "`noise = (x_t - signal_t * data) / sigma_t`, then `signal_s * data + sigma_s * noise`.",
    ),
    mistakes=(
        Mistake(
            "noise = (x_t - signal_t * data) / sigma_t",
            "noise = torch.randn_like(x_t)",
            "you drew new noise: then x_s lies on another path, and the two ends have no reason to agree",
        ),
        Mistake(
            "(x_t - signal_t * data) / sigma_t",
            "x_t - signal_t * data",
            "you did not divide by √(1 - a_t): what is left of x_t beside the image is noise of that size",
        ),
        Mistake(
            "signal_s * data + sigma_s * noise",
            "signal_t * data + sigma_s * noise",
            "you left the image at the size that it has at t: at s it has √a_s",
        ),
    ),
    inputs=inputs,
    by_hand=(down_one_level,),
    place=10,
)
