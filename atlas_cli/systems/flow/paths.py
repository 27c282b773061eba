"""Paths from noise to data: how much of each is in x_t, and how fast that changes.

Source:  Lipman, Chen, Ben-Hamu, Nickel, Le 2022, arXiv:2210.02747, eq. 22 with sigma_min = 0 (the straight
         path); Albergo, Vanden-Eijnden 2022, arXiv:2209.15571 (the quarter of a circle, as an interpolant).
Time:    t = 0 is noise and t = 1 is data; a diffusion model counts the other way.
Names:   x_t = a data + s noise, and its velocity a' data + s' noise, where ' is the derivative by t.
Shapes:  B batch, D what a datum is made of. A time is a tensor that is broadcast against the data.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

Data = Float[Tensor, "B *D"]
Number = Tensor | float


class Shares(NamedTuple):
    """Of data and of noise in x_t, and their derivatives by t."""

    a: Tensor
    s: Tensor
    da: Tensor
    ds: Tensor


class Straight:
    """From noise to data at constant speed: x_t = t data + (1 - t) noise."""

    def shares(self, t: Tensor) -> Shares:
        one = torch.ones_like(t)
        return Shares(t, 1 - t, one, -one)

    def clock(self, straight_t: float) -> float:
        """This path's time where data and noise stand in the proportion of the straight path at that time."""
        return straight_t


class Cosine:
    """A quarter of a circle: the variances add up to one, as in DDPM's cosine schedule without its offset.

    Its velocity is -pi / 2 times what DDPM predicts as v, a noise - s data.
    """

    def shares(self, t: Tensor) -> Shares:
        angle, rate = t * (math.pi / 2), math.pi / 2
        return Shares(angle.sin(), angle.cos(), rate * angle.cos(), -rate * angle.sin())

    def clock(self, straight_t: float) -> float:
        """As above."""
        return math.atan2(straight_t, 1 - straight_t) * 2 / math.pi


Path = Straight | Cosine
PATHS: dict[str, Path] = {"straight": Straight(), "cosine": Cosine()}


def mix(path: Path, data: Data, noise: Data, t: Tensor) -> Data:
    """x_t, where a pair stands at time t."""
    at = path.shares(t)
    return at.a * data + at.s * noise


def velocity(path: Path, data: Data, noise: Data, t: Tensor) -> Data:
    """dx_t / dt, where a pair is going."""
    at = path.shares(t)
    return at.da * data + at.ds * noise


def split(path: Path, x_t: Data, v: Data, t: Tensor) -> tuple[Data, Data]:
    """The data and the noise that a point and its velocity stand for: two equations for two unknowns."""
    a, s, da, ds = path.shares(t)
    determinant = a * ds - s * da  # -1 on the straight path, -pi / 2 on the circle
    return (ds * x_t - s * v) / determinant, (a * v - da * x_t) / determinant


def straight_time(path: Path, t: float) -> float:
    """The straight path's time where it has data and noise in the proportion of `path` at t."""
    at = path.shares(torch.tensor(t, dtype=torch.float64))
    return float(at.a / (at.a + at.s))


# --- a diffusion model as a flow, and back ------------------------------------------------------------


def velocity_of_v(v: Data, x: Data, a: Number, s: Number) -> Data:
    """data - noise, from what a diffusion model predicts as v at x = a data + s noise, a^2 + s^2 = 1.

    The straight path passes through x / (a + s) at time a / (a + s), with this velocity.
    """
    # exercise: velocity_of_v
    return (a - s) * x - (a + s) * v
    # end


def v_of_velocity(velocity: Data, x: Data, a: Number, s: Number) -> Data:
    """What a diffusion model would predict as v, from the velocity there; the inverse of the above."""
    return ((a - s) * x - velocity) / (a + s)
