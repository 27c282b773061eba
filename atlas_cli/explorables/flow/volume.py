"""A patch of space on its way from noise to data: what its area loses, the density gains."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

from atlas_cli.diagrams.frames import Curves, Explorable, Frame, Knob, Series
from atlas_cli.diagrams.sketch import Note, Shape, Sketch
from atlas_cli.explorables._ranges import evenly
from atlas_cli.explorables.flow._data import N_CLOUD, PLANE, normal, ring
from atlas_cli.explorables.flow._velocity import velocity

if TYPE_CHECKING:
    from torch import Tensor

STEPS = 40  # of RK4 from noise to data
TIMES = evenly(0, 1, STEPS + 1)
STARTS = {"towards a mode": (0.9, 0.35), "between two": (0.85, 0.52), "from afar": (-1.6, 0.9)}
TRACES = ("exact", "one direction", "four directions")
N_DIRECTIONS = {"one direction": 1, "four directions": 4}
RADIUS = 0.1  # of the patch when it starts
N_RIM = 64
LARGER = 4  # times as large as it is, a patch is drawn: its shape is small
EVERY = 8  # steps, a rim of the past is drawn


@cache
def walk(start: str) -> Tensor:
    """The middle of a patch and its rim at every time, (STEPS + 1, 1 + N_RIM, 2)."""
    import torch

    from atlas_cli.systems.flow.solvers import even_steps

    angle = torch.arange(N_RIM) * (2 * math.pi / N_RIM)
    rim = RADIUS * torch.stack([angle.cos(), angle.sin()], dim=1)
    middle = torch.tensor([STARTS[start]])
    x = torch.cat([middle, middle + rim])
    return torch.stack([x, *even_steps(_field, x, STEPS)])


def _field(x: Tensor, t: float) -> Tensor:
    return velocity(ring(), x, t)


@cache
def log_density(start: str, trace: str) -> tuple[float, ...]:
    """Of the middle at every time: the noise's log-density, less the traces met so far."""
    import torch

    from atlas_cli.systems.flow.cnf import exact_trace, hutchinson_trace, normal_log_density
    from atlas_cli.systems.flow.solvers import even_steps

    copies = N_DIRECTIONS.get(trace, 1)
    signs = torch.where(normal(copies, seed=21) > 0, 1.0, -1.0)

    def moving(state: Tensor, t: float) -> Tensor:
        x = state[:, :2]
        told = exact_trace(_field, x, t) if trace == "exact" else hutchinson_trace(_field, x, t, signs)
        return torch.cat([_field(x, t), -told[:, None]], dim=1).detach()

    x = walk(start)[0, :1].expand(copies, 2)
    state = torch.cat([x, normal_log_density(x)[:, None]], dim=1)
    return tuple(float(s[:, 2].mean()) for s in (state, *even_steps(moving, state, STEPS)))


@cache
def true_log_density(start: str) -> tuple[float, ...]:
    """What the mixture's closed form says at the same places."""
    path = walk(start)[:, 0]
    return tuple(float(ring().density(path[k : k + 1], t, 1 - t).log()) for k, t in enumerate(TIMES))


def area(rim: Tensor) -> float:
    """Of the polygon (N, 2), by the shoelace formula."""
    x, y = rim.unbind(1)
    return float((x * y.roll(-1) - y * x.roll(-1)).sum().abs()) / 2


def volume(t: float, start: str, trace: str) -> Frame:
    """The patch at time t, and the log-density of its middle up to there."""
    place, areas = TIMES.index(t), areas_of(start)
    shrunk = areas[place]
    told_by_trace = log_density(start, trace)
    gained = told_by_trace[place] - told_by_trace[0]
    first = true_log_density(start)[0]
    curves = (
        Series("closed form", TIMES, tuple(x - first for x in true_log_density(start)), "dashed"),
        Series(f"by the trace, {trace}", TIMES, tuple(x - told_by_trace[0] for x in told_by_trace)),
        Series(
            "what the area has lost", TIMES[: place + 1 : 2],
            tuple(-math.log(x) for x in areas[: place + 1 : 2]), "points",
        ),
    )  # fmt: skip
    return Frame(
        (
            (
                _patches(t, start),
                Curves("Nats that the density gains", curves, "t (0 noise, 1 data)", "nats", marker=t,
                       drag="t"),
            ),
        ),
        f"At t = {t:.2g} the patch has {shrunk:.2g} times its first area, and the density in its middle has "
        f"changed by {gained:+.2g} nats, by the trace, {trace}. Where a small patch shrinks, the same points "
        "share less space, and the density rises by as much.",
        {
            "area, times the first": shrunk,
            "nats gained": gained,
            "off by (nats)": round(told_by_trace[place] - true_log_density(start)[place], 3),
        },
    )  # fmt: skip


@cache
def areas_of(start: str) -> tuple[float, ...]:
    """The area of the patch at every time, over its first."""
    first = area(walk(start)[0, 1:])
    return tuple(area(rim) / first for rim in walk(start)[:, 1:])


def _patches(t: float, start: str) -> Sketch:
    """The cloud at time t, the way of the patch, and its rim then and before, each about its middle."""
    import torch

    path, place = walk(start), TIMES.index(t)
    noise, data = normal(N_CLOUD, seed=8), ring().draw(N_CLOUD, seed=7)
    before = sorted({0, *range(0, place, EVERY)} - {place})
    shapes = (
        Shape("cloud", [torch.lerp(noise, data, t)], "dots", None),
        Shape("way of its middle", [path[:, 0]], "dashed", 5),
        Shape("patch before", [_larger(path[k]) for k in before], "line", 0),
        Shape("patch now", [_larger(path[place])], "area", 1),
    )
    x, y = path[place, 0].tolist()
    notes = (Note(f"{areas_of(start)[place]:.2g} of its area", x, y + 0.35 + LARGER * RADIUS),)
    title = f"A patch of space on its way, drawn {LARGER} times as large"
    return Sketch(title, shapes, PLANE, notes)


def _larger(patch: Tensor) -> Tensor:
    """The closed rim of a patch whose middle is its first point, about that middle."""
    middle, rim = patch[0], patch[1:]
    larger = middle + LARGER * (rim - middle)
    return larger[[*range(0, N_RIM, 2), 0]]


EXPLORABLE = Explorable(
    "volume", "flow", ("cnf",), "What a patch of space loses, the density gains",
    "Where does the patch shrink? And by how many nats is one random direction off at the end?",
    (
        Knob("t", "time", TIMES, 0.5, "slider"),
        Knob("start", "patch", tuple(STARTS), "towards a mode", "choice"),
        Knob("trace", "trace", TRACES, "exact", "choice"),
    ),
    volume,
    place=12,
)  # fmt: skip
