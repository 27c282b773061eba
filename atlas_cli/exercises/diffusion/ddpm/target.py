"""v, what the network learns to say."""

from __future__ import annotations

from typing import Any

from atlas_cli.exercises.diffusion._ddpm import ddpm
from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake


def inputs(draw: Draw) -> tuple[Any, ...]:
    """As for add_noise, of a network that predicts v."""
    data, noise, t = draw.normal(4, 1, 6, 6), draw.normal(4, 1, 6, 6), draw.integers(0, 8, 4)
    return ddpm(draw.uniform(0.05, 0.95, 8)), data, noise, t


def turned(target: Function) -> tuple[Any, Any]:
    """√a = 0.6, √(1 - a) = 0.8, the image 1, the noise 2: 0.6 · 2 - 0.8 · 1 = 0.4."""
    import torch

    image, noise = torch.full((1, 1, 1, 1), 1.0), torch.full((1, 1, 1, 1), 2.0)
    return target(ddpm(torch.tensor([0.36])), image, noise, torch.tensor([0])).item(), 0.4


EXERCISE = Exercise(
    topic="ddpm",
    name="target",
    title="v, what the network must say",
    task="""
        The network may predict the noise, the image, or v, a mixture of both that says something at every
        level of noise. The first two are written; write v.

        `self.levels(t)` gives the size of the image and of the noise in x_t, (B, 1, 1, 1) each.
        """,
    equation=r"v = \sqrt{\bar\alpha_t}\, \epsilon - \sqrt{1 - \bar\alpha_t}\, x_0",
    hints=(
        "Think of image and noise as two axes, and of x_t as a point on the quarter circle between them. "
        "v is the direction in which x_t moves along it.",
        "The derivative of (cos φ, sin φ) is (-sin φ, cos φ): the two sizes change places, and one changes "
        "its sign.",
        "`signal, sigma = self.levels(t)`; v is signal times the noise minus sigma times the image.",
    ),
    mistakes=(
        Mistake(
            "signal * noise - sigma * data",
            "signal * noise + sigma * data",
            "you added: v is at a right angle to x_t, and one of its terms is subtracted",
        ),
        Mistake(
            "signal * noise - sigma * data",
            "sigma * data - signal * noise",
            "you turned v around: it is √a · noise - √(1 - a) · image, and yours is minus that",
        ),
        Mistake(
            "signal * noise - sigma * data",
            "sigma * noise - signal * data",
            "you gave the noise √(1 - a) and the image √a, as in x_t: in v the two sizes change places",
        ),
    ),
    inputs=inputs,
    by_hand=(turned,),
    place=20,
    trains="ddpm/ci",
)
