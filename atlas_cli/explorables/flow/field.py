"""Whom the noise is paired with, and what the pairing does to the field that a network must learn."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

from atlas_cli.diagrams.frames import Curves, Explorable, Frame, Group, Knob, Quiver, Scatter, Series
from atlas_cli.explorables._ranges import evenly
from atlas_cli.explorables.flow._data import PLANE, normal, ring
from atlas_cli.explorables.flow._pairs import Pairs, independent_velocity

if TYPE_CHECKING:
    from torch import Tensor

N_PAIRS = 512  # a batch, as minibatch optimal transport would see it
TUBE = 0.2
N_DRAWN = 24  # pairs that are drawn as arrows
PAIRINGS = ("independent", "optimal")
TIMES = evenly(0, 1, 61)
REACH = 2 * TUBE  # no arrow where no pair passes within this distance
EVERY = 3  # times between two points of a way that is drawn
ARROW, LONGEST = 0.16, 0.6  # of an arrow for a velocity of 1, and of any


def paired_best(noise: Tensor, data: Tensor) -> Tensor:
    """The data in the order in which the squared distances to their noise add up to the least."""
    import torch
    from scipy.optimize import linear_sum_assignment

    _, order = linear_sum_assignment(torch.cdist(noise, data).square().numpy())
    return data[torch.from_numpy(order)]


@cache
def pairs_of(pairing: str) -> Pairs:
    """The same noise and data, paired as drawn or as near as possible."""
    noise, data = normal(N_PAIRS, seed=11), ring().draw(N_PAIRS, seed=7)
    return Pairs(noise, paired_best(noise, data) if pairing == "optimal" else data, TUBE)


def velocity_of(pairing: str, x: Tensor, t: float) -> Tensor:
    """What a network trained with that pairing says at best, (B, 2)."""
    return pairs_of(pairing).velocity(x, t) if pairing == "optimal" else independent_velocity(x, t, TUBE)


@cache
def carried(pairing: str) -> Tensor:
    """Where the field has taken the noise of the drawn pairs at each of TIMES, (len(TIMES), N_DRAWN, 2)."""
    import torch

    from atlas_cli.systems.flow.solvers import midpoint

    def field(x: Tensor, t: float) -> Tensor:
        return velocity_of(pairing, x, t)

    ways = [pairs_of(pairing).noise[:N_DRAWN]]
    for now, later in pairwise(TIMES):
        ways.append(midpoint(field, ways[-1], now, later - now))
    return torch.stack(ways)


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
    ways, step = carried(pairing), round(t * (len(TIMES) - 1))
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
                Scatter(
                    "Pairs at t, and their noise in the current",
                    (
                        Group("way of the carried", ways[: step + 1 : EVERY].flatten(0, 1)),
                        Group("x_t of the pairs", cloud[:N_DRAWN]),
                        Group("carried", ways[step]),
                    ),
                    PLANE,
                ),
                Curves(
                    "How far pairs at one place disagree",
                    curves,
                    "t (0 noise, 1 data)",
                    "",
                    marker=t,
                    drag="t",
                ),
            ),
        ),
        f"Paired {'at random' if pairing == 'independent' else 'as near as possible'}, the {N_DRAWN} lines "
        f"cross {crossings(starts, ends)} times, and at t = {t:.2g} pairs at one place disagree by "
        f"{disagreement(pairing, t):.2g}: there a network can only learn their mean. Noise that follows "
        "that mean ends at the data all the same, by ways that bend and meet nowhere at one time. Both "
        "pairings have the same noise and the same data.",
        {
            "disagreement at t": disagreement(pairing, t),
            f"crossings of the {N_DRAWN} lines": crossings(starts, ends),
            "mean squared length of a pair": float((pairs.data - pairs.noise).square().sum(1).mean()),
        },
    )


EXPLORABLE = Explorable(
    "field", "flow", ("ot-cfm", "cfm"), "Whom the noise is paired with",
    "Switch to optimal at t = 0: which arrows know at once where to go?",
    (
        Knob("t", "time", TIMES, 0.0, "slider"),
        Knob("pairing", "pairing", PAIRINGS, "independent", "choice"),
    ),
    field,
    place=20,
)  # fmt: skip
