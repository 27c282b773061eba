"""Few steps along a bent flow whose velocity is exact."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

from atlas_cli.diagrams.frames import Curves, Explorable, Frame, Knob, Series
from atlas_cli.diagrams.sketch import Shape, Sketch
from atlas_cli.explorables.flow._data import RING_STD, WINDOW, mode_circles, ring
from atlas_cli.explorables.flow._velocity import velocity

if TYPE_CHECKING:
    from torch import Tensor

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
    curves = tuple(
        Series(
            name, STEPS, tuple(error(n, name) for n in STEPS), "line" if name == solver else "dashed"
        )
        for name in SOLVERS
    )  # fmt: skip
    calls = steps * (2 if solver == "midpoint" else 1)
    missed = (solve(steps, solver)[-1] - _exact()[-1]).norm(dim=1)
    far = int((missed > 2 * RING_STD).sum())
    return Frame(
        (
            (
                _paths(steps, solver),
                Curves("Mean error at the end", curves, "steps", "", True, True, steps, drag="steps"),
            ),
        ),
        f"{'1 step' if steps == 1 else f'{steps} steps'} of {solver}, {calls} "
        f"{'call' if calls == 1 else 'calls'} of the network, {'ends' if steps == 1 else 'end'} "
        f"{error(steps, solver):.2g} from the exact flow on average: {far} of {N_STARTS} paths miss by more "
        "than the width of a mode. A straight flow would need one step. This one bends where the modes part, "
        "and a step that is too long overshoots the bend.",
        {"mean error": error(steps, solver), "calls of the network": calls, "paths that miss": far},
    )


def _paths(steps: int, solver: str) -> Sketch:
    """The exact flow, the steps beside it, and what lies between their ends."""
    path, exact = solve(steps, solver), _exact()
    every = tuple(range(N_STARTS))
    shapes = (
        Shape("where the data are", mode_circles(2 * RING_STD), "area", None),
        Shape("exact flow", exact[:: EXACT_STEPS // 16].transpose(0, 1), "line", None, every),
        Shape("a step", path.unfold(0, 2, 1).flatten(0, 1).mT, "arrow", 0, steps * every),
        Shape("start", [path[0]], "dots", None, every),
        Shape("missed by", list(zip(path[-1].tolist(), exact[-1].tolist(), strict=True)), "dashed", 1, every),
    )
    return Sketch(f"{N_STARTS} points of noise on their way", shapes, WINDOW, links="path")


EXPLORABLE = Explorable(
    "euler", "flow", ("cfm", "reflow", "cnf"), "Few steps along a bent flow",
    "Count calls of the network, not steps: which solver is cheaper for an error of 0.1?",
    (
        Knob("steps", "steps", STEPS, 4, "slider"),
        Knob("solver", "solver", SOLVERS, "euler", "choice"),
    ),
    euler,
    place=30,
)  # fmt: skip
