"""Diffusion to turn: noise by the schedule, the way back in few or many steps, and guidance.

The way back is walked with the exact denoiser of a mixture of Gaussians, so that what is seen is the
sampler's doing and not a network's.
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

from atlas_cli.diagrams.frames import Curves, Explorable, Frame, Group, Images, Knob, Panel, Scatter, Series
from atlas_cli.explorables.consistency import CONSISTENCY
from atlas_cli.explorables.denoising import N_STEPS, between, distance, line, process, walk
from atlas_cli.explorables.ranges import evenly

if TYPE_CHECKING:
    from torch import Tensor

    from atlas_cli.explorables.mixtures import Mixture

DIGIT_SEED = 12  # of a digit that stays readable for long
N_PATHS = 14  # paths that are drawn


# --- noising ------------------------------------------------------------------------------------------


def noising(t: int, schedule: str) -> Frame:
    """A digit at time t, and the share of its variance that is left."""
    import torch

    ddpm = process(schedule)
    data, noise = _digit()
    x_t = ddpm.add_noise(data, noise, torch.tensor([t]))[0, 0]
    left = float(ddpm.alpha_bar[t])
    pictures = [torch.round(((x.clamp(-1, 1) + 1) / 2) * 100) / 100 for x in (data[0, 0], x_t)]
    every = torch.arange(0, N_STEPS, 5)
    curves = tuple(
        Series(name, every, process(name).alpha_bar[every], "line" if name == schedule else "dashed")
        for name in ("cosine", "linear")
    )
    return Frame(
        (
            (
                Images("The digit, and the digit at time t", tuple(pictures), 2, ("data", f"x_t, t = {t}")),
                Curves("Share of the image left in x_t", curves, "t", "share", marker=t),
            ),
        ),
        "One jump mixes image and noise: no step before t is needed. Find the t at which you can no longer "
        "name the digit. How long does each schedule go on after that, with nothing left to teach?",
        {"image variance left": left, "noise variance": 1 - left, "signal to noise": left / (1 - left)},
    )


@cache
def _digit() -> tuple[Tensor, Tensor]:
    """One stroke digit in [-1, 1] and its noise, (1, 1, 28, 28) each."""
    import torch

    from atlas_cli.data import strokes

    images, _ = strokes.draw(1, DIGIT_SEED)
    data = torch.from_numpy(images).float().div(127.5).sub(1)[:, None]
    return data, torch.randn(data.shape, generator=torch.Generator().manual_seed(0))


# --- sampler ------------------------------------------------------------------------------------------


def sampler(steps: int, eta: float) -> Frame:
    """Paths from noise to a mixture on a line, with the exact denoiser."""
    import torch

    mixture = line()
    path = walk(mixture, process("cosine", steps).timesteps(), eta)
    times = torch.linspace(0, 1, steps + 1)
    ends = path[-1]
    paths = tuple(Series(f"path {i + 1}", times, path[:, i, 0]) for i in range(N_PATHS))
    grid = torch.linspace(-3, 3, 61)
    truth = Series("data", grid, mixture.density(grid[:, None]), "dashed")
    width = grid[1] - grid[0]
    counts = torch.histc(ends, len(grid), float(grid[0] - width / 2), float(grid[-1] + width / 2))
    drawn = Series("samples", grid, counts / (len(ends) * width))
    return Frame(
        (
            (
                Curves("Paths from noise (left) to data (right)", paths, "share of the walk", "x"),
                Curves("Where they end", (drawn, truth), "x", "density"),
            ),
        ),
        "The denoiser is perfect here, and still one step lands between the modes: the best guess from pure "
        "noise is the mean of all data. How many steps until both peaks stand? What does eta do to a path, "
        "and what to where the paths end?",
        {"distance to the data": distance(ends[:, 0]), "between the modes": between(ends[:, 0])},
    )


# --- guidance -----------------------------------------------------------------------------------------

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
            Group("data of both classes", both.draw(160, seed=3)),
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
        ((panel, Curves("What is bought, and what is paid", curves, "guidance", marker=weight)),),
        "At 0 the class is not asked for, at 1 it is asked for honestly, above 1 it is exaggerated: every "
        "point moves away from the other class. What is bought, and what is paid? Beyond which weight is "
        "there next to nothing left to buy?",
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
    import torch

    ddpm = process("cosine", GUIDANCE_STEPS)
    x = torch.randn(GUIDED, 2, generator=torch.Generator().manual_seed(2))
    visited = ddpm.timesteps()
    for t, s in zip(visited, [*visited[1:], -1], strict=True):
        a_t, a_s = float(ddpm.alpha_bar[t]), float(ddpm.alpha_bar[s]) if s >= 0 else 1.0
        signal, sigma = a_t**0.5, (1 - a_t) ** 0.5
        anyone = both.posterior_mean(x, signal, sigma)
        data = anyone + weight * (part.posterior_mean(x, signal, sigma) - anyone)
        x = a_s**0.5 * data + (1 - a_s) ** 0.5 * (x - signal * data) / sigma
    return x


@cache
def _classes() -> tuple[tuple[Mixture, Mixture], Mixture]:
    """Two classes that overlap in the middle, and both together."""
    from atlas_cli.explorables.mixtures import equal_mixture

    above = [(-1.2, 0.9), (0.0, 1.5), (1.2, 0.9)]
    below = [(-1.5, -0.5), (0.0, -0.3), (1.5, -0.5)]
    std = 0.5
    return (equal_mixture(above, std), equal_mixture(below, std)), equal_mixture(above + below, std)


EXPLORABLES = (
    Explorable(
        "noising", "diffusion", ("ddpm", "ddim", "latent-diffusion"), "A digit drowns in noise",
        "At which t can nobody name the digit, and how much of the schedule is spent beyond it?",
        (
            Knob("t", "time", (*range(0, N_STEPS, 2), N_STEPS - 1), 72, "slider"),
            Knob("schedule", "schedule", ("cosine", "linear"), "cosine", "choice"),
        ),
        noising,
    ),
    Explorable(
        "sampler", "diffusion", ("ddim", "ddpm", "consistency"), "From noise to data in few steps or many",
        "Why does a single step of a perfect denoiser land where there is no data?",
        (
            Knob("steps", "sampler steps", (1, 2, 3, 4, 5, 6, 8, 10, 13, 16, 20, 25, 32), 5, "slider"),
            Knob("eta", "fresh noise (eta)", (0.0, 0.25, 0.5, 0.75, 1.0), 0.0, "slider"),
        ),
        sampler,
    ),
    CONSISTENCY,
    Explorable(
        "guidance", "diffusion", ("cfg", "ddpm", "latent-diffusion"), "Exaggerating the class",
        "What does guidance above 1 buy, and what does it pay with?",
        (
            Knob("weight", "guidance", WEIGHTS, 1, "slider"),
            Knob("wanted", "class", tuple(CLASSES), "upper", "choice"),
        ),
        guidance,
    ),
)  # fmt: skip
