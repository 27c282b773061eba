"""Flow matching to turn: the path of probability, Euler's steps, and which times to train on.

The field of pairs and reflow stand in paired_flow.

Time runs from 0, noise, to 1, data: x_t = t * data + (1 - t) * noise on the straight path. The data are a
mixture of Gaussians, so the best velocity E[dx_t / dt | x_t] is known exactly.
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

from atlas_cli.diagrams.frames import Bars, Curves, Explorable, Frame, Group, Knob, Quiver, Scatter, Series
from atlas_cli.explorables.flow_data import PLANE, normal, ring
from atlas_cli.explorables.paired_flow import FIELD, REFLOW
from atlas_cli.explorables.ranges import evenly

if TYPE_CHECKING:
    from torch import Tensor

    from atlas_cli.explorables.mixtures import Mixture

PATHS = ("straight", "diffusion")
N_CLOUD = 150
ARROW = 0.16  # length of an arrow for a velocity of 1


def schedule(t: float, path: str) -> tuple[float, float, float, float]:
    """Shares of data and noise in x_t, and their rates of change."""
    if path == "straight":
        return t, 1 - t, 1.0, -1.0
    angle = t * math.pi / 2  # variance-preserving: the squares of both shares add up to one
    rate = math.pi / 2
    return math.sin(angle), math.cos(angle), rate * math.cos(angle), -rate * math.sin(angle)


def velocity(mixture: Mixture, x: Tensor, t: float, path: str = "straight") -> Tensor:
    """E[dx_t / dt | x_t = x], (B, D): what flow matching trains a network to say."""
    signal, sigma, signal_rate, sigma_rate = schedule(t, path)
    if sigma < 1e-6:  # nothing but data is left: the noise behind it is unknown, and zero on average
        return signal_rate * x
    data = mixture.posterior_mean(x, signal, sigma)
    noise = (x - signal * data) / sigma
    return signal_rate * data + sigma_rate * noise


# --- probability path ---------------------------------------------------------------------------------


def probability_path(t: float, path: str) -> Frame:
    """The cloud at time t and the velocity that carries it on."""
    import torch

    mixture = ring()
    signal, sigma, *_ = schedule(t, path)
    data, noise = _pairs()
    cloud = signal * data + sigma * noise
    axis = torch.linspace(-2.6, 2.6, 9)
    grid = torch.cartesian_prod(axis, axis)
    field = velocity(mixture, grid, t, path)
    speed = float(velocity(mixture, cloud, t, path).norm(dim=1).mean())
    length = field.norm(dim=1, keepdim=True).clamp(min=1e-6)
    arrows = field / length * (ARROW * length).clamp(max=0.6)  # long ones would cover their neighbours
    return Frame(
        (
            (
                Scatter("Where the points are at time t", (Group("x_t", cloud),), PLANE),
                Quiver("Where they are sent next", grid, arrows, PLANE),
            ),
        ),
        "Every point on the left is one datum and one noise, mixed. On the right is the mean direction of "
        "all pairs that pass a place: at t = 0 all point to the middle of the data. At which t do the "
        "arrows first tell the six modes apart?",
        {"share of data": signal, "share of noise": sigma, "mean speed": speed},
    )


@cache
def _pairs() -> tuple[Tensor, Tensor]:
    return ring().draw(N_CLOUD, seed=7), normal(N_CLOUD, seed=8)


# --- euler --------------------------------------------------------------------------------------------

STEPS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32)
EXACT_STEPS = 256
N_STARTS = 16
SOLVERS = ("euler", "midpoint")


def solve(steps: int, solver: str) -> Tensor:
    """Points at every step, (steps + 1, N_STARTS, 2), from fixed noise to data."""
    import torch

    mixture = ring()
    angle = torch.arange(N_STARTS) * (2 * math.pi / N_STARTS) + 0.13
    radius = 0.6 + 0.7 * (torch.arange(N_STARTS) % 3)
    x = radius[:, None] * torch.stack([angle.cos(), angle.sin()], dim=1)
    h, points = 1 / steps, [x]
    for k in range(steps):
        v = velocity(mixture, x, k * h)
        if solver == "midpoint":
            v = velocity(mixture, x + h / 2 * v, (k + 0.5) * h)
        x = x + h * v
        points.append(x)
    return torch.stack(points)


@cache
def _exact() -> Tensor:
    return solve(EXACT_STEPS, "midpoint")


@cache
def error(steps: int, solver: str) -> float:
    """How far the ends lie from where the exact flow ends, on average."""
    return float((solve(steps, solver)[-1] - _exact()[-1]).norm(dim=1).mean())


def euler(steps: int, solver: str) -> Frame:
    """Steps along a flow whose velocity is exact."""
    path, exact = solve(steps, solver), _exact()[:: EXACT_STEPS // 16]
    groups = (
        Group("exact flow", exact.flatten(0, 1)),
        Group("steps", path[:-1].flatten(0, 1)),
        Group("where they end", path[-1]),
    )
    curves = tuple(
        Series(
            name, STEPS, tuple(error(n, name) for n in STEPS), "line" if name == solver else "dashed"
        )
        for name in SOLVERS
    )  # fmt: skip
    calls = steps * (2 if solver == "midpoint" else 1)
    return Frame(
        (
            (
                Scatter("Steps from the middle outwards", groups, PLANE),
                Curves("Mean error at the end", curves, "steps", "", True, True, steps),
            ),
        ),
        "A straight flow would need one step. This one bends where the modes part, and a step that is too "
        "long overshoots the bend. Count calls of the network, not steps: which solver is cheaper for an "
        "error of 0.1?",
        {"mean error": error(steps, solver), "calls of the network": calls},
    )


# --- time sampling ------------------------------------------------------------------------------------


def time_density(t: float, mean: float, width: float) -> float:
    """Density of t = sigmoid(mean + width * normal), the logit-normal of Esser et al. 2024, eq. 19."""
    z = (math.log(t / (1 - t)) - mean) / width
    return math.exp(-z * z / 2) / (width * math.sqrt(2 * math.pi) * t * (1 - t))


def time_share(low: float, high: float, mean: float, width: float) -> float:
    """Share of training times between low and high, both inside (0, 1) or at its ends."""

    def below(t: float) -> float:
        if t in (0.0, 1.0):
            return t
        return 0.5 * (1 + math.erf((math.log(t / (1 - t)) - mean) / (width * math.sqrt(2))))

    return below(high) - below(low)


@cache
def hard_part(t: float) -> float:
    """Variance of the best velocity that no straight line in x explains: what the network is needed for.

    For a mixture of two modes on a line, by a sum over a fine grid of x.
    """
    import torch

    from atlas_cli.explorables.mixtures import equal_mixture

    mixture = equal_mixture([(-1.0,), (1.0,)], 0.15)
    x = torch.linspace(-5, 5, 2001)[:, None]
    weight = mixture.density(x, t, 1 - t)
    weight = weight / weight.sum()
    v, at = velocity(mixture, x, t)[:, 0], x[:, 0]  # both have mean 0, for the mixture is symmetric
    slope = (weight * v * at).sum() / (weight * at * at).sum()
    return float((weight * (v - slope * at).square()).sum())


def time_sampling(mean: float, width: float) -> Frame:
    """Where training time goes, and where the velocity is hard to learn."""
    times = evenly(0.02, 0.98, 49)
    density = tuple(time_density(t, mean, width) for t in times)
    hard = tuple(hard_part(round(t, 4)) for t in times)
    scale = sum(hard) / len(hard)
    curves = (
        Series("training times", times, density),
        Series("hard to learn", times, tuple(value / scale for value in hard), "dashed"),
    )
    thirds = tuple(time_share(a, b, mean, width) for a, b in ((0.0, 1 / 3), (1 / 3, 2 / 3), (2 / 3, 1.0)))
    total = sum(density)
    overlap = sum(min(d / total, h / sum(hard)) for d, h in zip(density, hard, strict=True))
    return Frame(
        (
            (
                Curves("Density over time", curves, "t (0 noise, 1 data)", "density"),
                Bars("Share of the training", ("near noise", "middle", "near data"), thirds, 1.0),
            ),
        ),
        "The dashed curve is the part of the velocity that is no straight line: near noise and near data "
        "there is little to learn. Which mean and width put the training where it is hard? What goes wrong "
        "when a width is so small that some t are never seen?",
        {"overlap with what is hard": overlap, "share in the middle third": thirds[1]},
    )


EXPLORABLES = (
    Explorable(
        "probability-path", "flow", ("cfm", "ot-cfm", "cnf"), "A cloud on its way",
        "At which time do the arrows first tell the modes apart?",
        (
            Knob("t", "time", evenly(0, 1, 101), 0.4, "slider"),
            Knob("path", "path", PATHS, "straight", "choice"),
        ),
        probability_path,
    ),
    FIELD,
    Explorable(
        "euler", "flow", ("cfm", "reflow", "cnf"), "Few steps along a bent flow",
        "How many steps does a flow need whose velocity is perfect?",
        (
            Knob("steps", "steps", STEPS, 4, "slider"),
            Knob("solver", "solver", SOLVERS, "euler", "choice"),
        ),
        euler,
    ),
    REFLOW,
    Explorable(
        "time-sampling", "flow", ("mmdit", "cfm"), "Which times to train on",
        "Where is the velocity hard to learn, and does training go there?",
        (
            Knob("mean", "mean", evenly(-2, 2, 17), 0, "slider"),
            Knob("width", "width", (0.3, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0), 1.0, "slider"),
        ),
        time_sampling,
    ),
)  # fmt: skip
