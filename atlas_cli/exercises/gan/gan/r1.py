"""A discriminator that is flat at real data."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake

if TYPE_CHECKING:
    from torch import Tensor


def inputs(draw: Draw) -> tuple[Any, ...]:
    """A discriminator of one layer, and four real samples."""
    return _gan(draw.normal(8), draw.pick((0.5, 2.0))), draw.normal(4, 1, 2, 4), None


def _gan(weight: Tensor, gamma: float) -> Any:
    def forward(real: Tensor, label: Tensor | None) -> Tensor:
        return (real.flatten(1) * weight).sum(1).square()

    config, net = SimpleNamespace(r1_gamma=gamma), SimpleNamespace(forward=forward)
    return SimpleNamespace(config=config, discriminator=net, weight=weight)


def a_parabola(r1: Function) -> tuple[Any, Any]:
    """logit = (3x)² at x = 1, gamma = 1: the slope is 18, the penalty 1/2 · 18² = 162."""
    import torch

    return r1(_gan(torch.tensor([3.0]), 1.0), torch.ones(1, 1), None).item(), 162.0


EXERCISE = Exercise(
    topic="gan",
    name="r1",
    title="a penalty on the slope at real data",
    task="""
        Return gamma/2 times the mean over the batch of the squared length of the slope: the derivative of
        each sample's logit by the sample itself. `self.discriminator.forward(real, label)` gives logits,
        `self.config.r1_gamma` is gamma. The penalty is descended, so it must itself have a derivative.
        """,
    equation=r"\frac{\gamma}{2}\, \mathrm{E}\left[ \left| \nabla_x\, \mathrm{logit}(x) \right|^2 \right]",
    hints=(
        "The derivative is taken by the input, not by the weights: the input must require a gradient.",
        "`torch.autograd.grad(logit.sum(), real, create_graph=True)` gives every sample's own slope, since "
        "no logit depends on another sample, and leaves a graph behind it.",
        "Square it, sum over all but the batch, take the mean: `slope.square().flatten(1).sum(1).mean()`, "
        "times gamma / 2.",
    ),
    mistakes=(
        Mistake(
            "create_graph=True",
            "create_graph=False",
            "your penalty has no gradient: the slope must be computed with create_graph=True, so that it "
            "can be differentiated in turn",
        ),
        Mistake(
            ".flatten(1).sum(1).mean()",
            ".mean()",
            "you averaged over pixels too: the penalty is the squared length of a sample's slope, a sum "
            "over its pixels",
        ),
        Mistake(
            "self.config.r1_gamma / 2",
            "self.config.r1_gamma",
            "you left out the half of gamma / 2",
        ),
    ),
    inputs=inputs,
    by_hand=(a_parabola,),
    place=30,
    trains="gan/ci",
)
