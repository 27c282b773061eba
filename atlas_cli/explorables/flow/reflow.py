"""Reflow: paths straighten when a flow is trained again on pairs of its own.

Source:  Liu et al. 2022, arXiv:2209.03003.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import TYPE_CHECKING

from atlas_cli.diagrams.frames import Curves, Explorable, Frame, Knob, Series
from atlas_cli.diagrams.sketch import Shape, Sketch
from atlas_cli.explorables.flow._data import N_CLOUD, RING_STD, WINDOW, mode_circles, normal, ring
from atlas_cli.explorables.flow._pairs import Pairs, independent_velocity

if TYPE_CHECKING:
    from torch import Tensor

    Velocity = Callable[[Tensor, float], Tensor]  # of points (B, 2) at a time

N_TRAIN = 600
N_FRESH = 300  # starts that no round was trained on
KERNEL = 0.12  # width of the tubes: narrow for a sharp flow, wide enough that neighbouring pairs blend
ROUNDS = (0, 1, 2, 3, 4)
STEPS = (1, 2, 3, 4, 6, 8, 12, 16)
EXACT_STEPS = 40
N_PATHS = 20


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
def _stepped(round: int, steps: int) -> Tensor:
    """Euler's steps along the flow of a round, (steps + 1, N_FRESH, 2)."""
    return walk(flow_of(round), exact(round)[0], steps)


def few_steps(round: int, steps: int) -> Tensor:
    """Where they end, (N_FRESH, 2)."""
    return _stepped(round, steps)[-1]


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
    figures = (
        Series("bend of the paths", ROUNDS, tuple(bend(exact(k)) for k in ROUNDS)),
        Series(f"error of {_steps(steps)}", ROUNDS, tuple(step_error(k, steps) for k in ROUNDS), "dashed"),
    )
    return Frame(
        (
            (
                _paths(round, steps),
                Curves("Round by round", figures, "times retrained", log_y=True, marker=round, drag="round"),
            ),
        ),
        f"{_times(round)}, the flow puts {on_data(ends):.0%} of the points on the data in "
        f"{_steps(steps)}, and {on_data(path[-1]):.0%} exactly. At first it is trained on random pairs, and "
        "its paths bend where the modes part: one long step lands in the middle. Then it is trained again on "
        "pairs of its own, each noise with the sample that it led to, and inherits the errors of the round "
        "before.",
        {
            "bend of the paths": bend(path),
            "error of the steps": step_error(round, steps),
            "steps: share on the data": on_data(ends),
            "exact flow: share on the data": on_data(path[-1]),
        },
    )


def _paths(round: int, steps: int) -> Sketch:
    """Exact paths, the steps beside them and what these miss by; and where many more steps end."""
    path, stepped = exact(round), _stepped(round, steps)
    drawn = _all_round(path[0])
    exactly, taken = path[::2, drawn].transpose(0, 1), stepped[:, drawn]
    every = tuple(range(len(drawn)))
    missed = list(zip(taken[-1].tolist(), path[-1, drawn].tolist(), strict=True))
    shapes = (
        Shape("where the data are", mode_circles(2 * RING_STD), "area", None),
        Shape(f"ends of {N_CLOUD} points", [stepped[-1, :N_CLOUD]], "dots", None),
        Shape("exact path", exactly, "line", 2, every),
        Shape("a step", taken.unfold(0, 2, 1).flatten(0, 1).mT, "arrow", 0, steps * every),
        Shape("missed by", missed, "dashed", 1, every),
    )
    return Sketch(f"Exact paths, and {_steps(steps)} along them", shapes, WINDOW, links="path")


def _all_round(points: Tensor) -> Tensor:
    """Places of N_PATHS points (B, 2) that lie in all directions."""
    import torch

    return torch.atan2(points[:, 1], points[:, 0]).argsort()[:: len(points) // N_PATHS]


def _times(n: int) -> str:
    return {0: "Not retrained yet", 1: "Retrained once"}.get(n, f"Retrained {n} times")


def _steps(n: int) -> str:
    return f"{n} steps" if n > 1 else "1 step"


EXPLORABLE = Explorable(
    "reflow", "flow", ("reflow", "cnf"), "Paths straighten when a flow learns from itself",
    "How many rounds until one step will do? Keep turning: what is still gained, and what is lost?",
    (
        Knob("round", "times retrained", ROUNDS, 0, "play"),
        Knob("steps", "steps of Euler", STEPS, 1, "slider"),
    ),
    reflow,
    place=40,
)  # fmt: skip
