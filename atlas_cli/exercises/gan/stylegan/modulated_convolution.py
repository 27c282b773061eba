"""Weights that every image has for itself."""

from __future__ import annotations

from typing import Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake


def inputs(draw: Draw) -> tuple[Any, ...]:
    """Three images of four channels, five kernels, a style for each image; with and without demodulation."""
    return draw.normal(3, 4, 6, 6), draw.normal(5, 4, 3, 3), draw.normal(3, 4), draw.pick((True, False))


def one_pixel(modulated_convolution: Function) -> tuple[Any, Any]:
    """Weights 1 and 1, scales 3 and 4: demodulated 0.6 and 0.8, so that 5 and 10 give 3 + 8 = 11."""
    import torch

    x, style = torch.tensor([5.0, 10.0]).view(1, 2, 1, 1), torch.tensor([[3.0, 4.0]])
    return modulated_convolution(x, torch.ones(1, 2, 1, 1), style), torch.full((1, 1, 1, 1), 11.0)


EXERCISE = Exercise(
    topic="stylegan",
    name="modulated_convolution",
    title="a convolution that each image's style has rescaled",
    task="""
        Return the convolution of every image with weights of its own: the shared `weight`, its input
        channels scaled by the image's `style`. If `demodulate` is true, divide each output channel's
        weights by their length, the root of the sum of their squares and 1e-8. Pad so that images keep
        their size. `F.conv2d` with `groups` takes a whole batch at once.
        """,
    equation=r"w'_{oik} = s_i\, w_{oik}, \qquad "
    r"w''_{oik} = \frac{w'_{oik}}{\sqrt{\sum_{i,k} w'^2_{oik} + \epsilon}}",
    hints=(
        "First make the weights, (B, O, I, K, K): one set for each image. A style has a number for each "
        "input channel.",
        "`weight * style[:, None, :, None, None]` are those weights; the length of one output channel's is a "
        "sum over the last three dimensions.",
        "Lay the images side by side as one image of B I channels, the weights as B O kernels, and call "
        "`F.conv2d(groups, own.flatten(0, 1), padding=weight.shape[-1] // 2, groups=len(x))`.",
    ),
    mistakes=(
        Mistake(
            "own.square().sum((2, 3, 4), keepdim=True)",
            "weight.square().sum((1, 2, 3), keepdim=True)",
            "you divided by the length of the weights before they were scaled: a strong style still makes "
            "strong features",
        ),
        Mistake(
            ".sum((2, 3, 4), keepdim=True)",
            ".sum((1, 2, 3, 4), keepdim=True)",
            "you took one length for all output channels: each is brought to unit variance by itself",
        ),
        Mistake(
            "    if demodulate:  # to length one, so that unit variance in gives unit variance out\n",
            "    if False:\n",
            "you never demodulate: what one layer's style makes large, all later layers receive",
        ),
    ),
    inputs=inputs,
    by_hand=(one_pixel,),
    place=10,
    trains="stylegan/small",
    replaces="systems.gan.stylegan:scaled_convolution",
)
