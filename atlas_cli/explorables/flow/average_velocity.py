"""One noise on its way: its velocity now, and the mean of its velocity over the stretch ahead.

Source:  Geng et al. 2025, arXiv:2505.13447: eq. 3 (average velocity) and eq. 6 (the identity).
Here:    the data are two modes on a line, so that the current is known exactly and no network errs.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from atlas_cli.diagrams.frames import Explorable, Frame, Knob
from atlas_cli.diagrams.sketch import Shape, Sketch
from atlas_cli.explorables._ranges import evenly
from atlas_cli.explorables.flow._velocity import velocity

if TYPE_CHECKING:
    from torch import Tensor

MODES, MODE_STD = ((-1.0,), (1.0,)), 0.15
STARTS = (0.1, 0.4, 1.2)
BEGINNINGS = evenly(0, 0.9, 10)
SHARES = (0.25, 0.5, 0.75, 1.0)  # of what is left of the time
CELLS, BETWEEN = 80, 4  # of the way, and steps of the midpoint's rule in each
DRAWN = 2  # every second place is drawn
REACH = 1.7  # of the places
SPEEDS = (-1.6, 3.2)


class Way(NamedTuple):
    """Of one noise; one more entry than CELLS each."""

    times: tuple[float, ...]
    x: tuple[float, ...]
    v: tuple[float, ...]


class Stretch(NamedTuple):
    """A piece of a way.

    Attributes:
        t: When it begins.
        s: When it ends.
        v: The velocity at its beginning.
        u: Its mean over the stretch.
        slope: How fast that mean changes while t runs along the way and s stays.
    """

    t: float
    s: float
    v: float
    u: float
    slope: float


@cache
def way(start: float) -> Way:
    """Where the noise is at even times, and how fast."""
    import torch

    from atlas_cli.explorables._mixtures import equal_mixture
    from atlas_cli.systems.flow.solvers import even_steps

    mixture = equal_mixture(MODES, MODE_STD)

    def v(x: Tensor, t: float) -> Tensor:
        return velocity(mixture, x, t)

    z = torch.tensor([[start]])
    places = [z, *even_steps(v, z, CELLS * BETWEEN, "midpoint")][::BETWEEN]
    times = evenly(0, 1, CELLS + 1)
    return Way(
        times, *zip(*((float(x), float(v(x, t))) for x, t in zip(places, times, strict=True)), strict=True)
    )


def stretch(start: float, t: float, share: float) -> Stretch:
    """The piece of the way from t that takes this share of the time that is left."""
    on = way(start)
    first = round(t * CELLS)
    last = first + round((CELLS - first) * share)

    def mean(place: int) -> float:
        return (on.x[last] - on.x[place]) / (last - place) * CELLS

    if first:
        slope = (mean(first + 1) - mean(first - 1)) * CELLS / 2
    else:
        slope = (4 * mean(1) - 3 * mean(0) - mean(2)) * CELLS / 2
    return Stretch(on.times[first], on.times[last], on.v[first], mean(first), slope)


def average_velocity(t: float, share: float, start: float) -> Frame:
    """Two steps from where the noise is at time t, and the velocities that they go by."""
    part = stretch(start, t, share)
    length = part.s - part.t
    missed = abs(part.u - part.v) * length
    return Frame(
        ((_steps(start, part), _speeds(start, part)),),
        f"At t = {part.t:.2g} the noise that began at {start:g} moves at {part.v:.2g}, and from there to "
        f"s = {part.s:.3g} at {part.u:.2g} on average. One step by the average ends where the current does; "
        f"one by the velocity misses by {missed:.2g}. While t runs on, the average changes at "
        f"{part.slope:.2g}, and {part.v:.2g} + {length:.3g} times that is the average again: so it can be "
        "learned at one place, without going the way.",
        {
            "velocity at t": part.v, "length of the stretch": length, "slope of the average": part.slope,
            "velocity + length x slope": part.v + length * part.slope, "average velocity": part.u,
            "missed by the velocity": missed,
        },
    )  # fmt: skip


def _steps(start: float, part: Stretch) -> Sketch:
    """The way in time, and where two straight steps lead."""
    on = way(start)
    here = on.x[round(part.t * CELLS)]
    there, straight = (here + (part.s - part.t) * speed for speed in (part.u, part.v))
    shapes = (
        Shape("the current", [list(zip(on.times, on.x, strict=True))[::DRAWN]], "line", None),
        Shape("missed by", [[(part.s, straight), (part.s, there)]], "dashed", 1),
        Shape("a step by the velocity", [[(part.t, here), (part.s, straight)]], "arrow", 5),
        Shape("a step by the average", [[(part.t, here), (part.s, there)]], "arrow", 0),
    )
    return Sketch(
        "Two steps from t to s", shapes, (0, 1, -REACH, REACH), ratio=0.75, x_label="t (0 noise, 1 data)",
        y_label="x",
    )  # fmt: skip


def _speeds(start: float, part: Stretch) -> Sketch:
    """The velocity over time, and the rectangle that has as much area as lies under it."""
    on = way(start)
    first, last = round(part.t * CELLS), round(part.s * CELLS)
    under = [(time, on.v[k]) for k, time in enumerate(on.times) if first <= k <= last]
    flat = [(part.t, 0.0), (part.t, part.u), (part.s, part.u), (part.s, 0.0)]
    shapes = (
        Shape("under the velocity", [[(part.t, 0.0), *under, (part.s, 0.0)]], "area", 5),
        Shape("under the average", [flat], "area", 0),
        Shape("velocity", [list(zip(on.times, on.v, strict=True))[::DRAWN]], "line", 5),
        Shape("average", [flat[1:3]], "line", 0),
    )
    return Sketch(
        "Velocity on the way", shapes, (0, 1, *SPEEDS), ratio=0.75, x_label="t (0 noise, 1 data)",
        y_label="velocity",
    )  # fmt: skip


EXPLORABLE = Explorable(
    "average-velocity", "flow", ("meanflow", "reflow"), "The velocity now, and the mean of what is to come",
    "Where do the two steps from t = 0 end, and from which t on does the velocity alone do as well?",
    (
        Knob("t", "from t", BEGINNINGS, 0.0, "slider"),
        Knob("share", "share of what is left", SHARES, 1.0, "slider"),
        Knob("start", "noise", STARTS, 0.4, "slider"),
    ),
    average_velocity,
    place=45,
)  # fmt: skip
