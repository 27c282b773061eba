"""Flow matching on a finite set of pairs: what the pairing does to the field, and what reflow does to it.

A pair is a noise point and a datum, and moves straight from one to the other. Around it, as wide as
`spread`, lies a Gaussian tube; the best velocity at a place is the mean over the tubes that pass there.
This is the conditional path of Tong et al. 2023 (arXiv:2302.00482), N(t data + (1 - t) noise, spread^2), and
its field is known exactly: no network is trained.
Shapes: N pairs, B points.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING

from atlas_cli.diagrams.frames import Curves, Explorable, Frame, Group, Knob, Quiver, Scatter, Series
from atlas_cli.explorables.flow_data import PLANE, RING_STD, normal, ring
from atlas_cli.explorables.ranges import evenly

if TYPE_CHECKING:
    from torch import Tensor

    Velocity = Callable[[Tensor, float], Tensor]  # of points (B, 2) at a time


@dataclass(frozen=True, eq=False)
class Pairs:
    """Noise points and their data, (N, 2) each, and the standard deviation of the tube around a pair."""

    noise: Tensor
    data: Tensor
    spread: float

    def at(self, t: float) -> Tensor:
        """Where the pairs are at time t, (N, 2)."""
        return t * self.data + (1 - t) * self.noise

    def velocity(self, x: Tensor, t: float) -> Tensor:
        """The mean of data - noise over the pairs that may have led to x, (B, 2)."""
        nearness = -(x[:, None] - self.at(t)).square().sum(-1) / (2 * self.spread**2)  # (B, N)
        return nearness.softmax(1) @ (self.data - self.noise)


def independent_velocity(x: Tensor, t: float, spread: float) -> Tensor:
    """The same, (B, 2), where every noise may be paired with every datum that there is.

    No pairs are needed: x is t data + a Gaussian of variance (1 - t)^2 + spread^2, and of what is not data
    the noise has its share of that variance.
    """
    variance = (1 - t) ** 2 + spread**2
    data = ring().posterior_mean(x, t, variance**0.5)
    return data - (1 - t) / variance * (x - t * data)


def walk(velocity: Velocity, start: Tensor, steps: int, midpoint: bool = False) -> Tensor:
    """Points at every step from time 0 to 1, (steps + 1, B, 2), by Euler's rule or the midpoint's."""
    import torch

    x, h, points = start, 1 / steps, [start]
    for k in range(steps):
        v = velocity(x, k * h)
        if midpoint:
            v = velocity(x + h / 2 * v, (k + 0.5) * h)
        x = x + h * v
        points.append(x)
    return torch.stack(points)


def paired_best(noise: Tensor, data: Tensor) -> Tensor:
    """The data in the order in which the squared distances to their noise add up to the least."""
    import torch
    from scipy.optimize import linear_sum_assignment

    _, order = linear_sum_assignment(torch.cdist(noise, data).square().numpy())
    return data[torch.from_numpy(order)]


# --- field: what the pairing does ---------------------------------------------------------------------

N_PAIRS = 512  # a batch, as minibatch optimal transport would see it
TUBE = 0.2
N_DRAWN = 24  # pairs that are drawn as arrows
N_CLOUD = 150
PAIRINGS = ("independent", "optimal")
TIMES = evenly(0, 1, 61)
REACH = 2 * TUBE  # no arrow where no pair passes within this distance
ARROW, LONGEST = 0.16, 0.6  # of an arrow for a velocity of 1, and of any


@cache
def pairs_of(pairing: str) -> Pairs:
    """The same noise and data, paired as drawn or as near as possible."""
    noise, data = normal(N_PAIRS, seed=11), ring().draw(N_PAIRS, seed=7)
    return Pairs(noise, paired_best(noise, data) if pairing == "optimal" else data, TUBE)


def velocity_of(pairing: str, x: Tensor, t: float) -> Tensor:
    """What a network trained with that pairing says at best, (B, 2)."""
    return pairs_of(pairing).velocity(x, t) if pairing == "optimal" else independent_velocity(x, t, TUBE)


@cache
def disagreement(pairing: str, t: float) -> float:
    """E|data - noise - velocity|^2 over the tubes at time t: the loss that no network gets below."""
    pairs = pairs_of(pairing)
    x = pairs.at(t) + TUBE * normal(N_PAIRS, seed=12)
    return float((pairs.data - pairs.noise - velocity_of(pairing, x, t)).square().sum(1).mean())


def crossings(starts: Tensor, ends: Tensor) -> int:
    """How many pairs of segments meet."""
    import torch

    def side(a: Tensor, b: Tensor, c: Tensor) -> Tensor:
        (ux, uy), (vx, vy) = (b - a).unbind(-1), (c - a).unbind(-1)
        return torch.sign(ux * vy - uy * vx)

    a, b = starts[:, None], ends[:, None]
    split = side(a, b, starts[None]) != side(a, b, ends[None])  # (i, j): j starts and ends on two sides of i
    return int((split & split.T).triu(1).sum())


def field(t: float, pairing: str) -> Frame:
    """Pairs, the cloud at time t, and the mean velocity there."""
    import torch

    pairs = pairs_of(pairing)
    cloud = pairs.at(t)
    axis = torch.linspace(-2.6, 2.6, 9)
    grid = torch.cartesian_prod(axis, axis)
    grid = grid[torch.cdist(grid, cloud).min(1).values < REACH]
    arrows = ARROW * velocity_of(pairing, grid, t)
    arrows = arrows * (LONGEST / arrows.norm(dim=1, keepdim=True).clamp(min=LONGEST))
    starts, ends = pairs.noise[:N_DRAWN], pairs.data[:N_DRAWN]
    curves = tuple(
        Series(name, TIMES, tuple(disagreement(name, time) for time in TIMES),
               "line" if name == pairing else "dashed")
        for name in PAIRINGS
    )  # fmt: skip
    return Frame(
        (
            (
                Quiver(f"{N_DRAWN} pairs: from noise to its datum", starts, ends - starts, PLANE),
                Quiver("What the network must say at time t", grid, arrows, PLANE),
            ),
            (
                Scatter("Where the pairs are at time t", (Group("x_t", cloud[:N_CLOUD]),), PLANE),
                Curves("How far pairs at one place disagree", curves, "t (0 noise, 1 data)", "", marker=t),
            ),
        ),
        "Both pairings have the same noise and the same data. Paired at random, lines cross, and where they "
        "cross a network can only learn the mean: at t = 0 every arrow points to the middle. Switch to "
        "optimal at t = 0: which arrows know at once where to go? What is left of the disagreement?",
        {
            "disagreement at t": disagreement(pairing, t),
            f"crossings of the {N_DRAWN} lines": crossings(starts, ends),
            "mean squared length of a pair": float((pairs.data - pairs.noise).square().sum(1).mean()),
        },
    )


# --- reflow: retrained on its own pairs ---------------------------------------------------------------

N_TRAIN = 600
N_FRESH = 300  # starts that no round was trained on
KERNEL = 0.12  # width of the tubes: narrow for a sharp flow, wide enough that neighbouring pairs blend
ROUNDS = (0, 1, 2, 3, 4)
STEPS = (1, 2, 3, 4, 6, 8, 12, 16)
EXACT_STEPS = 40
N_PATHS = 20


@cache
def flow_of(round: int) -> Velocity:
    """The best velocity of a round: round 0 has all random pairs, a later one those that the last made."""
    if round == 0:
        return partial(independent_velocity, spread=0.0)
    noise = normal(N_TRAIN, seed=1)
    return Pairs(noise, walk(flow_of(round - 1), noise, EXACT_STEPS, midpoint=True)[-1], KERNEL).velocity


@cache
def exact(round: int) -> Tensor:
    """Paths of a round from fresh noise, (EXACT_STEPS + 1, N_FRESH, 2)."""
    return walk(flow_of(round), normal(N_FRESH, seed=2), EXACT_STEPS, midpoint=True)


def bend(path: Tensor) -> float:
    """E|end - start - velocity|^2 over time and points: 0 when all paths are straight and even in speed.

    The straightness S(Z) of Liu et al. 2022 (arXiv:2209.03003).
    """
    speed = path.diff(dim=0) * (len(path) - 1)
    return float((path[-1] - path[0] - speed).square().sum(-1).mean())


@cache
def few_steps(round: int, steps: int) -> Tensor:
    """Where Euler's steps along the flow of a round end, (N_FRESH, 2)."""
    return walk(flow_of(round), exact(round)[0], steps)[-1]


@cache
def step_error(round: int, steps: int) -> float:
    """Mean distance from there to where the exact flow of that round ends."""
    return float((few_steps(round, steps) - exact(round)[-1]).norm(dim=1).mean())


def on_data(points: Tensor) -> float:
    """Share of points within three standard deviations of a mode."""
    import torch

    return float((torch.cdist(points, ring().means).min(1).values < 3 * RING_STD).float().mean())


def reflow(round: int, steps: int) -> Frame:
    """Paths, and where a few steps land, after some rounds of retraining."""
    path, ends = exact(round), few_steps(round, steps)
    drawn = _all_round(path[0])
    lines = tuple(Series(f"path {i + 1}", *path[::2, place].T) for i, place in enumerate(drawn))
    landed = Series("ends of the steps", ends[drawn, 0], ends[drawn, 1], "points")
    figures = (
        Series("bend of the paths", ROUNDS, tuple(bend(exact(k)) for k in ROUNDS)),
        Series(f"error of {_steps(steps)}", ROUNDS, tuple(step_error(k, steps) for k in ROUNDS), "dashed"),
    )
    groups = (Group("data", ring().draw(N_CLOUD, seed=7)), Group(_steps(steps), ends[:N_CLOUD]))
    return Frame(
        (
            (Curves(f"Exact paths (lines), ends of {_steps(steps)} (dots)", (*lines, landed), "x", "y"),),
            (
                Scatter("Where the steps land", groups, PLANE),
                Curves("Round by round", figures, "times retrained", log_y=True, marker=round),
            ),
        ),
        "At 0 the flow is trained on random pairs, and its paths bend where the modes part: one long step "
        "lands in the middle. Then it is trained again on pairs of its own, each noise with the sample that "
        "it led to. How many rounds until one step will do? Keep turning: each round inherits the errors of "
        "the one before. What does it still gain, and what happens to the exact flow's share on the data?",
        {
            "bend of the paths": bend(path),
            "error of the steps": step_error(round, steps),
            "steps: share on the data": on_data(ends),
            "exact flow: share on the data": on_data(path[-1]),
        },
    )


def _all_round(points: Tensor) -> Tensor:
    """Places of N_PATHS points (B, 2) that lie in all directions."""
    import torch

    return torch.atan2(points[:, 1], points[:, 0]).argsort()[:: len(points) // N_PATHS]


def _steps(n: int) -> str:
    return f"{n} steps" if n > 1 else "1 step"


FIELD = Explorable(
    "field", "flow", ("ot-cfm", "cfm"), "Whom the noise is paired with",
    "What does a network have to average, and how does the pairing take it away?",
    (
        Knob("t", "time", TIMES, 0.0, "slider"),
        Knob("pairing", "pairing", PAIRINGS, "independent", "choice"),
    ),
    field,
)  # fmt: skip

REFLOW = Explorable(
    "reflow", "flow", ("reflow", "cnf"), "Paths straighten when a flow learns from itself",
    "How often must a flow be retrained before one step is enough?",
    (
        Knob("round", "times retrained", ROUNDS, 0, "play"),
        Knob("steps", "steps of Euler", STEPS, 1, "slider"),
    ),
    reflow,
)  # fmt: skip
