"""The image that a prediction stands for."""

from __future__ import annotations

from typing import Any

from atlas_cli.exercises.diffusion._ddpm import ddpm
from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake


def inputs(draw: Draw) -> tuple[Any, ...]:
    """An output of the network and x_t; the three kinds of prediction in turn."""
    output, x_t, t = draw.normal(4, 1, 6, 6), draw.normal(4, 1, 6, 6), draw.integers(0, 8, 4)
    return ddpm(draw.uniform(0.05, 0.95, 8), draw.pick(("epsilon", "x0", "v"))), output, x_t, t


def of_noise(to_data: Function) -> tuple[Any, Any]:
    """epsilon: √a = 0.6, √(1 - a) = 0.8, x_t = 2.2, the noise 2: (2.2 - 1.6) / 0.6 = 1."""
    return _at(to_data, "epsilon", 2.0, 2.2), 1.0


def of_v(to_data: Function) -> tuple[Any, Any]:
    """v: the same x_t = 2.2, v = 0.4: 0.6 · 2.2 - 0.8 · 0.4 = 1."""
    return _at(to_data, "v", 0.4, 2.2), 1.0


def _at(to_data: Function, prediction: str, output: float, x_t: float) -> float:
    import torch

    stub = ddpm(torch.tensor([0.36]), prediction)
    said, seen = (torch.full((1, 1, 1, 1), value) for value in (output, x_t))
    return float(to_data(stub, said, seen, torch.tensor([0])))


EXERCISE = Exercise(
    topic="ddpm",
    name="to_data",
    title="the image behind a prediction",
    task="""
        The sampler needs an image, whatever the network predicts. Write the way back from its output and
        x_t to the image, for `self.config.prediction` of "epsilon", "x0" and "v".

        `self.levels(t)` gives √a and √(1 - a) as (B, 1, 1, 1).
        """,
    equation=r"x_0 = \frac{x_t - \sqrt{1 - \bar\alpha_t}\,\epsilon}{\sqrt{\bar\alpha_t}}"
    r" \qquad x_0 = \sqrt{\bar\alpha_t}\, x_t - \sqrt{1 - \bar\alpha_t}\, v",
    hints=(
        "For epsilon: write x_t = √a · image + √(1 - a) · noise, and solve it for the image.",
        "For v nothing is divided: x_t and v are image and noise turned by an angle, and turning back "
        "multiplies with the same cosine and sine.",
        "With `signal, sigma = self.levels(t)`: `(x_t - sigma * output) / signal` for epsilon, `output` for "
        "x0, `signal * x_t - sigma * output` for v.",
    ),
    mistakes=(
        Mistake(
            "(x_t - sigma * output) / signal",
            "(x_t - sigma * output) / sigma",
            "for epsilon you divided by √(1 - a) and not by √a: the image has the size √a in x_t",
        ),
        Mistake(
            "(x_t - sigma * output) / signal",
            "x_t - sigma * output",
            "for epsilon you took the noise away, and left the image as small as it is in x_t: divide by √a",
        ),
        Mistake(
            "return signal * x_t - sigma * output",
            "return signal * x_t + sigma * output",
            "for v you added: turning back, the sine is subtracted",
        ),
    ),
    inputs=inputs,
    by_hand=(of_noise, of_v),
    place=30,
    trains="ddpm/ci",
)
