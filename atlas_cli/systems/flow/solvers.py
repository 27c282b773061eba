"""Solvers: walk along a velocity field, dx/dt = v(x, t), by steps of a set length or of their own choosing.

Source:  Runge 1895 and Kutta 1901, as in Hairer, Norsett, Wanner, Solving Ordinary Differential Equations I
         (1993), II.1 and II.4; dopri5: Dormand, Prince 1980, J. Comput. Appl. Math. 6, 19-26.
Order:   a method of order p is off by a multiple of h^p at the end: half the step, 2^p times less error.
Time:    from `start` to `end`, forwards or backwards; backwards every step h is negative.
Shapes:  x may have any shape; its first axis is the batch. Nothing is detached: gradients flow through all
         steps, "discretise, then differentiate".
Differs: dopri5 chooses one step for the whole batch, as torchdiffeq does, by the rules of scipy's RK45.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from jaxtyping import Float
from torch import Tensor

Velocity = Callable[[Tensor, float], Tensor]  # (x, t) -> dx/dt, of the shape of x
Method = Literal["euler", "midpoint", "heun", "rk4", "dopri5"]

ORDER: dict[str, int] = {"euler": 1, "midpoint": 2, "heun": 2, "rk4": 4, "dopri5": 5}
CALLS: dict[str, int] = {"euler": 1, "midpoint": 2, "heun": 2, "rk4": 4, "dopri5": 6}  # of v, for each step


# --- one step of a set length -------------------------------------------------------------------------


def euler(v: Velocity, x: Float[Tensor, "B *shape"], t: float, h: float) -> Float[Tensor, "B *shape"]:
    """Go on as you are going now."""
    return x + h * v(x, t)


def midpoint(v: Velocity, x: Float[Tensor, "B *shape"], t: float, h: float) -> Float[Tensor, "B *shape"]:
    """Look half a step ahead, and go the whole step with the velocity of there."""
    return x + h * v(euler(v, x, t, h / 2), t + h / 2)


def heun(v: Velocity, x: Float[Tensor, "B *shape"], t: float, h: float) -> Float[Tensor, "B *shape"]:
    """Look a whole step ahead, and go with the mean of both velocities."""
    here = v(x, t)
    return x + h / 2 * (here + v(x + h * here, t + h))


def rk4(v: Velocity, x: Float[Tensor, "B *shape"], t: float, h: float) -> Float[Tensor, "B *shape"]:
    """Four velocities, weighed as Simpson's rule weighs the ends and the middle."""
    # exercise: rk4
    k1 = v(x, t)
    k2 = v(x + h / 2 * k1, t + h / 2)
    k3 = v(x + h / 2 * k2, t + h / 2)
    k4 = v(x + h * k3, t + h)
    return x + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    # end


_NODES = (1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0, 1.0)
_STAGES = (
    (1 / 5,),
    (3 / 40, 9 / 40),
    (44 / 45, -56 / 15, 32 / 9),
    (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
    (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
    (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),  # the step itself, order 5
)
# The step of order 5 less one of order 4 that is made of the same velocities.
_ERROR = (71 / 57600, 0.0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40)


def dopri5_stages(
    v: Velocity, x: Float[Tensor, "B *shape"], t: float, h: float, first: Float[Tensor, "B *shape"]
) -> tuple[Float[Tensor, "B *shape"], Float[Tensor, "B *shape"], Float[Tensor, "B *shape"]]:
    """A step of order 5, an estimate of its error, and the velocity at its end.

    Args:
        v: The field.
        x: Where the step begins.
        t: When it begins.
        h: Its length.
        first: The velocity there, which the step before has left behind: six calls do for seven velocities.
    """
    velocities, end = [first], x
    for node, weights in zip(_NODES, _STAGES, strict=True):
        end = x + h * _weighed(weights, velocities)
        velocities.append(v(end, t + node * h))
    return end, h * _weighed(_ERROR, velocities), velocities[-1]


def dopri5(v: Velocity, x: Float[Tensor, "B *shape"], t: float, h: float) -> Float[Tensor, "B *shape"]:
    """Six velocities and no look at the error: the step that `adaptive` takes."""
    return dopri5_stages(v, x, t, h, v(x, t))[0]


def _weighed(weights: tuple[float, ...], velocities: list[Tensor]) -> Tensor:
    terms = [w * k for w, k in zip(weights, velocities, strict=True) if w]
    return sum(terms[1:], start=terms[0])


STEP = {"euler": euler, "midpoint": midpoint, "heun": heun, "rk4": rk4, "dopri5": dopri5}


# --- from start to end --------------------------------------------------------------------------------


def even_steps(
    v: Velocity, x: Float[Tensor, "B *shape"], steps: int, method: Method = "rk4",
    start: float = 0.0, end: float = 1.0,
) -> Iterator[Float[Tensor, "B *shape"]]:  # fmt: skip
    """Where x is after each of `steps` steps of one length."""
    h = (end - start) / steps
    for k in range(steps):
        x = STEP[method](v, x, start + k * h, h)
        yield x


class StepTooSmall(ArithmeticError):
    """No step is short enough for the tolerance, or the field is not finite."""


@dataclass(frozen=True)
class Step:
    """One step that `adaptive` has taken.

    Attributes:
        x: Where it leads.
        t: When.
        calls: Calls of the field so far, those of refused steps among them.
    """

    x: Float[Tensor, "B *shape"]
    t: float
    calls: int


def adaptive(
    v: Velocity, x: Float[Tensor, "B *shape"], tolerance: float = 1e-5,
    start: float = 0.0, end: float = 1.0, first_step: float = 0.05,
) -> Iterator[Step]:  # fmt: skip
    """dopri5 with steps as long as the tolerance allows: a step that errs too much is taken again, shorter.

    The error of a step of length h grows as h^5, so the next one may be longer by tolerance / error to the
    power of 1/5; nine tenths of that keep most steps from being refused.

    Args:
        v: The field.
        x: Where to begin.
        tolerance: Of a step, absolute and relative, as a root mean square over all of x.
        start: When to begin.
        end: When to stop.
        first_step: Length of the first attempt.

    Raises:
        StepTooSmall: the field is too steep for the tolerance, or not finite.
    """
    sign = 1.0 if end > start else -1.0
    t, length, calls, refused = start, min(first_step, abs(end - start)), 1, False
    velocity = v(x, t)
    while sign * (end - t) > 0:
        if not length > 1e-9 * abs(end - start):
            raise StepTooSmall(f"at t = {t:g} no step is short enough")
        h = sign * min(length, abs(end - t))
        reached, error, velocity_there = dopri5_stages(v, x, t, h, velocity)
        calls += CALLS["dopri5"]
        size = _size(error, x, reached, tolerance)
        if size < 1:
            x, t, velocity = reached, end if abs(h) == abs(end - t) else t + h, velocity_there
            yield Step(x, t, calls)
        factor = min(1.0 if refused else 10.0, max(0.2, 0.9 * size**-0.2 if size else 10.0))
        length, refused = abs(h) * (factor if size < 1 else min(factor, 1.0)), not size < 1


def _size(error: Tensor, x: Tensor, reached: Tensor, tolerance: float) -> float:
    """Of an error, in units of what is allowed: above 1 it is too large; NaN is infinite."""
    error, x, reached = error.detach(), x.detach(), reached.detach()
    allowed = tolerance + tolerance * x.abs().maximum(reached.abs())
    size = float((error / allowed).square().mean().sqrt())
    return size if size == size else float("inf")


def solve(
    v: Velocity, x: Float[Tensor, "B *shape"], steps: int = 20, method: Method = "rk4",
    start: float = 0.0, end: float = 1.0,
) -> Float[Tensor, "B *shape"]:  # fmt: skip
    """Where x ends, after steps of one length."""
    for reached in even_steps(v, x, steps, method, start, end):
        x = reached
    return x


def solve_within(
    v: Velocity, x: Float[Tensor, "B *shape"], tolerance: float = 1e-5, start: float = 0.0, end: float = 1.0
) -> Float[Tensor, "B *shape"]:
    """Where x ends, each step within the tolerance."""
    for step in adaptive(v, x, tolerance, start, end):
        x = step.x
    return x
