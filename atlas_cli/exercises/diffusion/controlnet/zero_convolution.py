"""A layer that says nothing at first."""

from __future__ import annotations

from typing import Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake


def inputs(draw: Draw) -> tuple[Any, ...]:
    """Channels in and out."""
    return int(draw.integers(1, 6, 1)), int(draw.integers(1, 6, 1))


def silence(zero_convolution: Function) -> tuple[Any, Any]:
    """Whatever comes in, zeros come out."""
    import torch

    return zero_convolution(3, 2)(torch.ones(1, 3, 4, 4)), torch.zeros(1, 2, 4, 4)


def it_learns(zero_convolution: Function) -> tuple[Any, Any]:
    """And yet its weight has a gradient: the sum of its input, here 16 pixels of 1."""
    import torch

    conv = zero_convolution(1, 1)
    (slope,) = torch.autograd.grad(conv(torch.ones(1, 1, 4, 4)).sum(), conv.weight)
    return slope.flatten(), torch.tensor([16.0])


EXERCISE = Exercise(
    topic="controlnet",
    name="zero_convolution",
    title="a joint that says nothing at first",
    task="""
        Return the layer by which ControlNet joins its branch to the frozen network: a convolution of one
        pixel from c_in to c_out channels that gives zero for every input when training begins, and can
        learn.
        """,
    equation=r"y = W x + b \qquad W = 0,\; b = 0",
    hints=(
        "The frozen network must draw at first exactly as it did. What has to be zero for that?",
        "The slope of w a by w is a, which is not zero: a layer of zeros learns, as long as what it reads "
        "is not zero too.",
        "`nn.Conv2d(c_in, c_out, 1)`, then `nn.init.zeros_` on its weight and on its bias.",
    ),
    mistakes=(
        Mistake(
            "nn.init.zeros_(conv.bias)  # type: ignore[arg-type]",
            "pass",
            "you left the bias as it is drawn: it is added everywhere, and the frozen network is disturbed "
            "from the first step",
        ),
        Mistake(
            "nn.init.zeros_(conv.weight)",
            "nn.init.normal_(conv.weight, std=1e-2)",
            "you made the weight small and not zero: the branch still speaks before it has learned anything",
        ),
        Mistake(
            "nn.Conv2d(c_in, c_out, 1)",
            "nn.Conv2d(c_in, c_out, 3, padding=1)",
            "your convolution sees three by three pixels: a joint mixes the channels of one pixel",
        ),
    ),
    inputs=inputs,
    by_hand=(silence, it_learns),
    place=10,
)
