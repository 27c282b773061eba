"""x_t from an image and noise, in one jump."""

from __future__ import annotations

from typing import Any

from atlas_cli.exercises.diffusion._ddpm import ddpm
from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake


def inputs(draw: Draw) -> tuple[Any, ...]:
    """A schedule of eight steps, four images, their noise and their times."""
    data, noise, t = draw.normal(4, 1, 6, 6), draw.normal(4, 1, 6, 6), draw.integers(0, 8, 4)
    return ddpm(draw.uniform(0.05, 0.95, 8)), data, noise, t


def a_quarter(add_noise: Function) -> tuple[Any, Any]:
    """a = 1/4, the image 2, the noise 4: 1/2 · 2 + √(3/4) · 4 = 4.464."""
    import torch

    image, noise = torch.full((1, 1, 1, 1), 2.0), torch.full((1, 1, 1, 1), 4.0)
    return add_noise(ddpm(torch.tensor([0.25])), image, noise, torch.tensor([0])).item(), 4.46410


EXERCISE = Exercise(
    topic="ddpm",
    name="add_noise",
    title="noise an image in one jump",
    task="""
        Write the jump from an image to x_t, without the steps between. `self.alpha_bar[t]` holds one number
        an image, its share of variance that is left; `data` and `noise` are (B, C, H, W).

        Each image of the batch has a time of its own.
        """,
    equation=r"x_t = \sqrt{\bar\alpha_t}\, x_0 + \sqrt{1 - \bar\alpha_t}\, \epsilon",
    hints=(
        "The image is made smaller by one number and the noise by another. What must their squares add up "
        "to, if the variance is to stay one?",
        "`self.alpha_bar[t]` has shape (B,). It multiplies (B, C, H, W), so it needs three more dimensions: "
        "`.view(-1, 1, 1, 1)`.",
        "`a = self.alpha_bar[t].view(-1, 1, 1, 1)`, then `a.sqrt()` times the image plus `(1 - a).sqrt()` "
        "times the noise. `self.levels(t)` gives both roots at once.",
    ),
    mistakes=(
        Mistake(
            "signal * data + sigma * noise",
            "sigma * data + signal * noise",
            "you gave the image √(1 - a) and the noise √a: at t = 0 your x_t would be almost pure noise",
        ),
        Mistake(
            "signal * data + sigma * noise",
            "signal**2 * data + sigma**2 * noise",
            "you took a and 1 - a and not their roots: they are variances, and what is multiplied is scaled "
            "by standard deviations",
        ),
        Mistake(
            "signal * data",
            "data",
            "you left the image at its full size: without √a the variance of x_t grows beyond one",
        ),
    ),
    inputs=inputs,
    by_hand=(a_quarter,),
    place=10,
    trains="ddpm/ci",
)
