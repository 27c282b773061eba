"""A cloud on its way from noise to data, and the velocity that carries it on."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from atlas_cli.diagrams.frames import Explorable, Frame, Group, Knob, Quiver, Scatter
from atlas_cli.explorables._ranges import evenly
from atlas_cli.explorables.flow._data import N_CLOUD, PLANE, normal, ring
from atlas_cli.explorables.flow._velocity import schedule, velocity

if TYPE_CHECKING:
    from torch import Tensor

PATHS = ("straight", "diffusion")
ARROW, LONGEST = 0.16, 0.6  # of an arrow for a velocity of 1, and of any: it would cover its neighbours
AXIS = evenly(-2.6, 2.6, 9)  # of the arrows


def probability_path(t: float, path: str) -> Frame:
    """The cloud at time t and the velocity that carries it on."""
    import torch

    mixture = ring()
    signal, sigma, *_ = schedule(t, path)
    data, noise = _pairs()
    cloud = signal * data + sigma * noise
    axis = torch.tensor(AXIS)
    grid = torch.cartesian_prod(axis, axis)
    field = velocity(mixture, grid, t, path)
    speed = float(velocity(mixture, cloud, t, path).norm(dim=1).mean())
    length = field.norm(dim=1, keepdim=True).clamp(min=1e-6)
    arrows = field / length * (ARROW * length).clamp(max=LONGEST)
    return Frame(
        (
            (
                Scatter("Where the points are at time t", (Group("x_t", cloud),), PLANE),
                Quiver("Where they are sent next", grid, arrows, PLANE),
            ),
        ),
        f"At t = {t:.2g} every point on the left is {signal:.2g} of a datum and {sigma:.2g} of a noise. On "
        "the right is the mean direction of all pairs that pass a place: at t = 0 all point to the middle of "
        "the data.",
        {"share of data": signal, "share of noise": sigma, "mean speed": speed},
    )


@cache
def _pairs() -> tuple[Tensor, Tensor]:
    return ring().draw(N_CLOUD, seed=7), normal(N_CLOUD, seed=8)


def given() -> dict[str, object]:
    """What the page needs to compute it: the mixture and the draws."""
    data, noise = _pairs()
    mixture = {"means": ring().means, "std": ring().std}
    return {**mixture, "data": data, "noise": noise, "arrow": ARROW, "longest": LONGEST, "axis": AXIS}


EXPLORABLE = Explorable(
    "probability-path", "flow", ("cfm", "ot-cfm", "cnf"), "A cloud on its way",
    "Find the first t at which the arrows tell the six modes apart. Is it the same on both paths?",
    (
        Knob("t", "time", evenly(0, 1, 101), 0.4, "slider"),
        Knob("path", "path", PATHS, "straight", "choice"),
    ),
    probability_path,
    given=given,
    place=10,
)  # fmt: skip
