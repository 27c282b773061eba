"""Exaggerating the class: classifier-free guidance between two classes that overlap.

The denoiser of each is exact, so that what is seen is guidance's doing and not a network's.
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

from atlas_cli.diagrams.frames import Curves, Explorable, Frame, Group, Knob, Panel, Scatter, Series
from atlas_cli.explorables._ranges import evenly
from atlas_cli.explorables.diffusion._denoising import process

if TYPE_CHECKING:
    from torch import Tensor

    from atlas_cli.explorables._mixtures import Mixture

CLASSES = {"upper": 0, "lower": 1}
GUIDED = 140  # points
GUIDANCE_STEPS = 40
WEIGHTS = evenly(0, 6, 25)


def guidance(weight: float, wanted: str) -> Frame:
    """Samples of one of two overlapping classes, with the class exaggerated."""
    parts, both = _classes()
    points = guided_samples(parts[CLASSES[wanted]], both, weight)
    panel: Panel = Scatter(
        "Samples where the data of both classes are",
        (
            Group("data of both classes", _data()),
            Group(f"samples of the {wanted} class", points),
        ),
        (-4, 4, -4, 4),
    )
    figures = [_bought_and_paid(other, wanted) for other in WEIGHTS]
    curves = (
        Series("sure of the class", WEIGHTS, tuple(sure for sure, _ in figures)),
        Series("spread against weight 1", WEIGHTS, tuple(spread for _, spread in figures), "dashed"),
    )
    sure, spread = _bought_and_paid(weight, wanted)
    return Frame(
        (
            (
                panel,
                Curves(
                    "What is bought, and what is paid",
                    curves,
                    "guidance",
                    marker=weight,
                    drag="weight",
                ),
            ),
        ),
        f"At weight {weight:g} the class of a sample is {sure:.0%} sure, and the samples spread {spread:.2g} "
        "times as wide as at weight 1. At 0 the class is not asked for, at 1 it is asked for honestly, above "
        "1 it is exaggerated: every point moves away from the other class.",
        {"sure of the class": sure, "spread against weight 1": spread},
    )


@cache
def _bought_and_paid(weight: float, wanted: str) -> tuple[float, float]:
    """How likely the samples' class is the wanted one, on average; their spread over that at weight 1."""
    parts, both = _classes()
    part = parts[CLASSES[wanted]]
    points, plain = (guided_samples(part, both, w) for w in (weight, 1.0))
    mine = part.log_joint(points).logsumexp(1) - math.log(2)
    sure = float((mine - both.log_joint(points).logsumexp(1)).exp().mean())
    return sure, float(points.std(0).norm() / plain.std(0).norm())


def guided_samples(part: Mixture, both: Mixture, weight: float) -> Tensor:
    """DDIM with noise + weight * (noise of the class - noise) from fixed starting points, (GUIDED, 2)."""
    ddpm = process("cosine", GUIDANCE_STEPS)
    x = _start()
    visited = ddpm.timesteps()
    for t, s in zip(visited, [*visited[1:], -1], strict=True):
        a_t, a_s = float(ddpm.alpha_bar[t]), float(ddpm.alpha_bar[s]) if s >= 0 else 1.0
        signal, sigma = a_t**0.5, (1 - a_t) ** 0.5
        anyone = both.posterior_mean(x, signal, sigma)
        data = anyone + weight * (part.posterior_mean(x, signal, sigma) - anyone)
        x = a_s**0.5 * data + (1 - a_s) ** 0.5 * (x - signal * data) / sigma
    return x


def _start() -> Tensor:
    import torch

    return torch.randn(GUIDED, 2, generator=torch.Generator().manual_seed(2))


def _data() -> Tensor:
    return _classes()[1].draw(160, seed=3)


@cache
def _classes() -> tuple[tuple[Mixture, Mixture], Mixture]:
    """Two classes that overlap in the middle, and both together."""
    from atlas_cli.explorables._mixtures import equal_mixture

    above = [(-1.2, 0.9), (0.0, 1.5), (1.2, 0.9)]
    below = [(-1.5, -0.5), (0.0, -0.3), (1.5, -0.5)]
    std = 0.5
    return (equal_mixture(above, std), equal_mixture(below, std)), equal_mixture(above + below, std)


def given() -> dict[str, object]:
    """What the page needs to compute it: both classes, the draws, and what each time leaves of the data."""
    (upper, lower), both = _classes()
    ddpm = process("cosine", GUIDANCE_STEPS)
    alphas = [float(ddpm.alpha_bar[t]) for t in ddpm.timesteps()]
    figures = {name: [(w, *_bought_and_paid(w, name)) for w in WEIGHTS] for name in CLASSES}
    return {
        "upper": upper.means, "lower": lower.means, "std": both.std, "start": _start(), "data": _data(),
        "alphas": alphas, "figures": figures,
    }  # fmt: skip


EXPLORABLE = Explorable(
    "guidance", "diffusion", ("cfg", "ddpm", "latent-diffusion"), "Exaggerating the class",
    "What is bought, and with what is it paid? Beyond which weight is there next to nothing left to buy?",
    (
        Knob("weight", "guidance", WEIGHTS, 1, "slider"),
        Knob("wanted", "class", tuple(CLASSES), "upper", "choice"),
    ),
    guidance,
    given=given,
    place=40,
)  # fmt: skip
