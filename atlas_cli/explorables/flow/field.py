"""Whom the noise is paired with, and what the pairing does to the field that a network must learn."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from atlas_cli.diagrams.frames import Curves, Explorable, Frame, Group, Knob, Quiver, Scatter, Series
from atlas_cli.explorables._ranges import evenly
from atlas_cli.explorables.flow._data import N_CLOUD, PLANE, normal, ring
from atlas_cli.explorables.flow._pairs import Pairs, independent_velocity

if TYPE_CHECKING:
    from torch import Tensor

N_PAIRS = 512  # a batch, as minibatch optimal transport would see it
TUBE = 0.2
N_DRAWN = 24  # pairs that are drawn as arrows
PAIRINGS = ("independent", "optimal")
TIMES = evenly(0, 1, 61)
REACH = 2 * TUBE  # no arrow where no pair passes within this distance
AXIS = evenly(-2.6, 2.6, 9)  # of the arrows
ARROW, LONGEST = 0.16, 0.6  # of an arrow for a velocity of 1, and of any


def paired_best(noise: Tensor, data: Tensor) -> Tensor:
    """The data in the order in which the squared distances to their noise add up to the least."""
    return data[best_order(noise, data)]


def best_order(noise: Tensor, data: Tensor) -> Tensor:
    """Places of the data in that order, (N,)."""
    import torch
    from scipy.optimize import linear_sum_assignment

    _, order = linear_sum_assignment(torch.cdist(noise, data).square().numpy())
    return torch.from_numpy(order)


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
    x = pairs.at(t) + TUBE * _jitter()
    return float((pairs.data - pairs.noise - velocity_of(pairing, x, t)).square().sum(1).mean())


def _jitter() -> Tensor:
    """Where in their tubes the pairs are looked at, (N_PAIRS, 2)."""
    return normal(N_PAIRS, seed=12)


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
    axis = torch.tensor(AXIS)
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
                Quiver(
                    f"{N_DRAWN} pairs: from noise to its datum", starts, ends - starts, PLANE, links="pair"
                ),
                Quiver("What the network must say at time t", grid, arrows, PLANE),
            ),
            (
                Scatter(
                    "Where the pairs are at time t", (Group("x_t", cloud[:N_CLOUD]),), PLANE, links="pair"
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
        f"{disagreement(pairing, t):.2g}: there a network can only learn their mean. Both pairings have the "
        "same noise and the same data.",
        {
            "disagreement at t": disagreement(pairing, t),
            f"crossings of the {N_DRAWN} lines": crossings(starts, ends),
            "mean squared length of a pair": float((pairs.data - pairs.noise).square().sum(1).mean()),
        },
    )


def given() -> dict[str, object]:
    """What the page needs to compute it: the mixture, the pairs, and what is looked at in their tubes."""
    noise, data = pairs_of("independent").noise, pairs_of("independent").data
    met = {
        name: crossings(pairs_of(name).noise[:N_DRAWN], pairs_of(name).data[:N_DRAWN]) for name in PAIRINGS
    }
    return {
        "means": ring().means, "std": ring().std, "tube": TUBE, "noise": noise, "data": data,
        "order": best_order(noise, data), "jitter": _jitter(), "crossings": met, "reach": REACH,
        "arrow": ARROW, "longest": LONGEST, "axis": AXIS, "cloud": N_CLOUD, "drawn": N_DRAWN,
    }  # fmt: skip


EXPLORABLE = Explorable(
    "field", "flow", ("cfm", "ot-cfm"), "Whom the noise is paired with",
    "Switch to optimal at t = 0: which arrows know at once where to go?",
    (
        Knob("t", "time", TIMES, 0.0, "slider"),
        Knob("pairing", "pairing", PAIRINGS, "independent", "choice"),
    ),
    field,
    given=given,
    place=20,
)  # fmt: skip
