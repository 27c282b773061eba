"""DDIM's step from x_t to x_s."""

from __future__ import annotations

from typing import Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake


def inputs(draw: Draw) -> tuple[Any, ...]:
    """x_t, an image and two levels; without fresh noise, with some, with DDPM's."""
    a_s = float(draw.uniform(0.5, 0.95, 1))
    a_t = a_s * float(draw.uniform(0.4, 0.9, 1))
    return draw.normal(4, 1, 6, 6), draw.normal(4, 1, 6, 6), a_t, a_s, draw.pick((0.0, 0.5, 1.0))


def without_fresh_noise(step: Function) -> tuple[Any, Any]:
    """x_t = 2.2 = 0.6 · 1 + 0.8 · 2, eta = 0, to √a_s = 0.8: 0.8 · 1 + 0.6 · 2 = 2."""
    import torch

    x_s, sigma = step(torch.tensor([[2.2]]), torch.tensor([[1.0]]), 0.36, 0.64, 0.0)
    return torch.stack([x_s.flatten()[0], torch.as_tensor(sigma)]), torch.tensor([2.0, 0.0])


def as_much_as_ddpm(step: Function) -> tuple[Any, Any]:
    """eta = 1, a_s = 1/2, a_t = 1/4: sigma is that of DDPM's posterior, √(½ / ¾ · ½) = 0.577."""
    import torch

    one = torch.tensor([[1.0]])
    return step(one, one, 0.25, 0.5, 1.0)[1], 0.57735


EXERCISE = Exercise(
    topic="ddim",
    name="step",
    title="a step that keeps its noise",
    task="""
        Write DDIM's step: find the noise that is in x_t beside the image, put both together again at the
        level a_s, and let `eta` decide how much of the noise is to be fresh. Return the mean of x_s and
        sigma, the size of the fresh noise, which the caller adds. a_t and a_s are numbers.
        """,
    equation=r"\epsilon = \frac{x_t - \sqrt{a_t}\, x_0}{\sqrt{1 - a_t}} \qquad"
    r" \sigma = \eta \sqrt{\frac{1 - a_s}{1 - a_t}\left(1 - \frac{a_t}{a_s}\right)} \qquad"
    r" x_s = \sqrt{a_s}\, x_0 + \sqrt{1 - a_s - \sigma^2}\, \epsilon",
    hints=(
        "x_t = √a_t · image + √(1 - a_t) · noise. You have x_t and the image: solve for the noise.",
        "All noise in x_s has the variance 1 - a_s. Fresh noise takes sigma² of it, so that 1 - a_s - "
        "sigma² is left for the old one.",
        "Return `a_s**0.5 * data + (1 - a_s - sigma**2) ** 0.5 * noise` and `sigma`; `max(0.0, ...)` keeps "
        "rounding from making the root's argument negative.",
    ),
    mistakes=(
        Mistake(
            ") / (1 - a_t) ** 0.5",
            ") / (1 - a_t)",
            "you divided by 1 - a_t and not by its root: the noise in x_t has the size √(1 - a_t)",
        ),
        Mistake(
            "max(0.0, 1 - a_s - sigma**2)",
            "(1 - a_s)",
            "you kept all of the old noise, and sigma will be added to it: x_s gets too much. It keeps √(1 "
            "- a_s - σ²)",
        ),
        Mistake(
            "return a_s**0.5 * data",
            "return a_t**0.5 * data",
            "you left the image at the size that it has in x_t: at s it has √a_s",
        ),
    ),
    inputs=inputs,
    by_hand=(without_fresh_noise, as_much_as_ddpm),
    source="systems.diffusion.ddpm",
    place=10,
)
