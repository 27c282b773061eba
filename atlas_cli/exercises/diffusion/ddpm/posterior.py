"""One step of the sampler: where x_s lies, given x_t and the image."""

from __future__ import annotations

from typing import Any

from atlas_cli.exercises.diffusion._ddpm import ddpm
from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake


def inputs(draw: Draw) -> tuple[Any, ...]:
    """x_t, an image, and two steps of a schedule that falls; in one case of three the last step of all."""
    alpha_bar = draw.uniform(0.7, 0.95, 8).cumprod(0)
    t = int(draw.integers(2, 8, 1))
    return ddpm(alpha_bar), draw.normal(4, 1, 6, 6), draw.normal(4, 1, 6, 6), t, draw.pick((t - 1, t - 2, -1))


def the_last(posterior: Function) -> tuple[Any, Any]:
    """s = -1, the image itself: its mean is the image 3, with no noise."""
    import torch

    x_t, image = torch.full((1, 1, 1, 1), 9.0), torch.full((1, 1, 1, 1), 3.0)
    mean, std = posterior(ddpm(torch.tensor([0.5])), x_t, image, 0, -1)
    return torch.stack([mean.flatten()[0], torch.as_tensor(std)]), torch.tensor([3.0, 0.0])


def halves(posterior: Function) -> tuple[Any, Any]:
    """a_s = 1/2, a_t = 1/4, x_t = image = 1: mean (√½ · ½ + √½ · ½) / ¾ = 0.943, deviation √⅓ = 0.577."""
    import torch

    one = torch.full((1, 1, 1, 1), 1.0)
    mean, std = posterior(ddpm(torch.tensor([0.5, 0.25])), one, one, 1, 0)
    return torch.stack([mean.flatten()[0], torch.as_tensor(std)]), torch.tensor([0.94281, 0.57735])


EXERCISE = Exercise(
    topic="ddpm",
    name="posterior",
    title="one step of the sampler",
    task="""
        Given x_t and an image, x_s (s < t) is Gaussian. Return its mean and its standard deviation.

        a_t and a_s are the products of alphas at both ends, numbers; a stride may skip steps, so the alpha
        between them is their quotient.
        """,
    equation=r"\mu = \frac{\sqrt{\bar\alpha_s}\,(1 - \alpha)\, x_0"
    r" + \sqrt{\alpha}\,(1 - \bar\alpha_s)\, x_t}{1 - \bar\alpha_t}"
    r" \qquad \sigma^2 = \frac{1 - \bar\alpha_s}{1 - \bar\alpha_t}(1 - \alpha)",
    hints=(
        "Begin with alpha, the quotient of `a_t` and `a_s`: it plays the part of the paper's alpha_t, and 1 "
        "- alpha that of its beta_t.",
        "The mean is a weighted sum of the image and x_t, over 1 - a_t. At s = -1 a_s is 1, and of x_t "
        "nothing may be left: which weight holds 1 - a_s?",
        "The variance is (1 - a_s) / (1 - a_t) * (1 - alpha). The walk adds noise times the standard "
        "deviation: return its root.",
    ),
    mistakes=(
        Mistake(
            "variance**0.5",
            "variance",
            "you returned the variance: noise is scaled by the standard deviation, its root",
        ),
        Mistake(
            "(1 - a_s) / (1 - a_t) * (1 - alpha)\n",
            "1 - alpha\n",
            "you took beta for the variance: that is what q adds on the way up; who knows the image is "
            "surer, by (1 - a_s) / (1 - a_t)",
        ),
        Mistake(
            "a_s**0.5 * (1 - alpha) * data + alpha**0.5 * (1 - a_s) * x_t",
            "alpha**0.5 * (1 - a_s) * data + a_s**0.5 * (1 - alpha) * x_t",
            "you gave the image the weight of x_t and x_t that of the image: at the last step nothing of "
            "x_t may be left",
        ),
    ),
    inputs=inputs,
    by_hand=(the_last, halves),
    place=40,
    trains="ddpm/ci",
)
