"""A point of noise, dropped by hand into the current of flow matching."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from atlas_cli.diagrams.frames import Curves, Explorable, Frame, Group, Knob, Scatter, Series
from atlas_cli.explorables._ranges import evenly
from atlas_cli.explorables.flow._data import PLANE, ring
from atlas_cli.explorables.flow._velocity import velocity

if TYPE_CHECKING:
    from torch import Tensor

PLACES = tuple(round(value, 2) for value in evenly(-2.4, 2.4, 13))
STEPS = (1, 2, 3, 5, 20)
TIMES = evenly(0, 1, 41)
LAST = 0.999  # at t = 1 no noise is left that could leave a doubt


def follow(x: float, y: float, steps: int, solver: str) -> Tensor:
    """Where the point is at the beginning and after each step, (steps + 1, 2)."""
    import torch

    from atlas_cli.systems.flow.solvers import even_steps

    start = torch.tensor([[x, y]])
    walk = even_steps(lambda x, t: velocity(ring(), x, t), start, steps, solver)  # type: ignore[arg-type]
    return torch.cat([start, *walk])


@cache
def exact(x: float, y: float) -> Tensor:
    """The same at each of TIMES, with an error that no eye sees, (len(TIMES), 2)."""
    between = 4
    return follow(x, y, between * (len(TIMES) - 1), "midpoint")[::between]


def doubts(way: Tensor) -> list[float]:
    """The share of the likeliest mode among the data that may lie behind each point of a way."""
    found = []
    for t, point in zip(TIMES, way, strict=True):
        t = min(t, LAST)
        found.append(float(ring().log_joint(point[None], t, 1 - t).softmax(1).max()))
    return found


def drop(x: float, y: float, steps: int) -> Frame:
    """The way of the point, Euler's steps from it, and when it is decided where it goes."""
    way, walk = exact(x, y), follow(x, y, steps, "euler")
    shares = doubts(way)
    half = next((t for t, share in zip(TIMES, shares, strict=True) if share > 0.55), None)
    miss = float((walk[-1] - way[-1]).norm())
    groups = (Group("current", way), Group("middles of the modes", ring().means), Group("steps", walk))
    counted = "1 step" if steps == 1 else f"{steps} steps"
    return Frame(
        (
            (
                Scatter("Drop a point of noise", groups, PLANE, drag=("x", "y")),
                Curves(
                    "How sure it is where it goes", (Series("likeliest mode", TIMES, shares),),
                    "t (0 noise, 1 data)", "share",
                ),
            ),
        ),
        f"Noise at ({x:g}, {y:g}) is carried to the mean of all six modes first. {_decided(half)} "
        f"{counted} of Euler's method end {miss:.2g} from where the current ends.",
        {
            "decided at t": "never" if half is None else half, "Euler's error": miss,
            "calls of the network": steps,
        },
    )  # fmt: skip


def _decided(t: float | None) -> str:
    if t is None:
        return "Between modes that lie alike it never finds out which one it comes from."
    return f"It turns off when one of them outweighs the others, at t = {t:.2g}."


EXPLORABLE = Explorable(
    "drop", "flow", ("cfm", "cnf"), "A point dropped into the current",
    "From where does the current take the longest to decide, and where do three steps go wrong most?",
    (
        Knob("x", "x", PLACES, 1.6, "slider"),
        Knob("y", "y", PLACES, 2.0, "slider"),
        Knob("steps", "steps of Euler", STEPS, 3, "slider"),
    ),
    drop,
    place=15,
)  # fmt: skip
