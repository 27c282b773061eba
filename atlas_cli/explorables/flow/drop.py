"""A point of noise, dropped by hand into the current of flow matching."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from atlas_cli.diagrams.frames import Curves, Explorable, Frame, Knob, Series
from atlas_cli.diagrams.sketch import Note, Shape, Sketch
from atlas_cli.explorables._ranges import evenly
from atlas_cli.explorables.flow._data import PLANE, RING_STD, mode_circles, ring
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


def shares_of(way: Tensor) -> Tensor:
    """The share of each mode among the data that may lie behind each point of a way, (len(TIMES), modes)."""
    import torch

    times = [min(t, LAST) for t in TIMES]
    rows = [ring().log_joint(x[None], t, 1 - t) for t, x in zip(times, way, strict=True)]
    return torch.cat(rows).softmax(1)


def doubts(way: Tensor) -> list[float]:
    """The share of the likeliest mode."""
    likeliest: list[float] = shares_of(way).amax(1).tolist()
    return likeliest


def drop(x: float, y: float, steps: int) -> Frame:
    """The way of the point, Euler's steps from it, and when it is decided where it goes."""
    way, walk = exact(x, y), follow(x, y, steps, "euler")
    half = next((t for t, share in zip(TIMES, doubts(way), strict=True) if share > 0.55), None)
    miss = float((walk[-1] - way[-1]).norm())
    counted = "1 step" if steps == 1 else f"{steps} steps"
    return Frame(
        (
            (
                _ways(way, walk, half),
                Curves("How likely it is that it comes from there", _rivals(way), "t (0 noise, 1 data)",
                       "share", marker=half),
            ),
        ),
        f"Noise at ({x:g}, {y:g}) is carried to the mean of all six modes first. {_decided(half)} "
        f"{counted} of Euler's method end {miss:.2g} from where the current ends.",
        {
            "decided at t": "never" if half is None else half, "Euler's error": miss,
            "calls of the network": steps,
        },
    )  # fmt: skip


def _ways(way: Tensor, walk: Tensor, decided: float | None) -> Sketch:
    """The current, Euler's arrows, what lies between their ends, and where the current has decided."""
    turn = [] if decided is None else [way[TIMES.index(decided)]]
    shapes = (
        Shape("where the data are", mode_circles(2 * RING_STD), "area", None),
        Shape("the current", [way], "line", 0),
        Shape("steps of Euler", list(zip(walk[:-1].tolist(), walk[1:].tolist(), strict=True)), "arrow", 1),
        Shape("missed by", [[walk[-1], way[-1]]], "dashed", 5),
        Shape("decided here", [turn] if turn else [], "dots", 2),
    )
    numbers = tuple(Note(str(i + 1), *(1.32 * mode).tolist()) for i, mode in enumerate(ring().means))
    return Sketch("Drop a point of noise", shapes, PLANE, numbers, drag=("x", "y"))


def _rivals(way: Tensor) -> tuple[Series, Series]:
    """The mode where it ends, and that which is the likeliest besides on the way there."""
    shares = shares_of(way)
    winner = int(shares[-1].argmax())
    others = shares.mean(0)
    others[winner] = -1
    rival = int(others.argmax())
    return (
        Series(f"mode {winner + 1}, where it ends", TIMES, shares[:, winner].tolist()),
        Series(f"mode {rival + 1}, its rival", TIMES, shares[:, rival].tolist(), "dashed"),
    )


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
