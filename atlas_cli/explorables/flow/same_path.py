"""Diffusion's path beside the straight one: the same pictures in another strength, and the same loss.

Source:  the page of the family derives it; Gao et al. 2024, diffusionflow.github.io, say it in words.
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

from atlas_cli.diagrams.frames import Curves, Drag, Explorable, Frame, Images, Knob, Series
from atlas_cli.diagrams.sketch import Note, Shape, Sketch
from atlas_cli.explorables._ranges import evenly

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEVELS = evenly(0, 1, 41)  # of the right angle that diffusion goes round, from noise to data
STEPS = (1, 2, 3, 5, 10)
CLOCKS = ("times", "angles")
DIGIT, SEED = 2, 1  # of the digits that are drawn, which; and of its noise
REACH = 2.0  # what is drawn black is -REACH, what is drawn white is REACH
SHADES = 24  # of the pictures


def shares(level: float) -> tuple[float, float]:
    """Of data and of noise in what diffusion sees: a point of the circle."""
    angle = level * math.pi / 2
    return math.sin(angle), math.cos(angle)


def straight_time(level: float) -> float:
    """The time at which the straight path has both in that proportion."""
    a, s = shares(level)
    return a / (a + s)


def stops(steps: int, clock: str) -> list[float]:
    """Straight times at which a sampler asks, evenly by either clock; the last is the end."""
    even = evenly(0, 1, steps + 1)
    return [straight_time(k) for k in even] if clock == "angles" else list(even)


@cache
def datum_and_noise() -> tuple[NDArray, NDArray]:
    """A digit from -1 to 1, and noise for it."""
    import numpy as np

    from atlas_cli.explorables._digits import SIDE, digits

    datum = 2 * digits(DIGIT + 1)[0][DIGIT] - 1
    noise = np.random.default_rng(SEED).standard_normal(datum.shape)
    return datum.reshape(SIDE, SIDE), noise.reshape(SIDE, SIDE)


def pictures(level: float) -> tuple[NDArray, NDArray]:
    """What diffusion's network is given at a level, and what the flow's is, of one digit and its noise."""
    (a, s), t = shares(level), straight_time(level)
    datum, noise = datum_and_noise()
    return a * datum + s * noise, t * datum + (1 - t) * noise


def same_path(level: float, steps: int, clock: str) -> Frame:
    """A level on both paths, where a sampler stops, and why the two losses are one."""
    a, s = shares(level)
    both, t = a + s, straight_time(level)
    errors = tuple(sum(shares(other)) ** 2 for other in LEVELS)
    curves = (
        Series("squared error of u, in that of v", LEVELS, errors),
        Series("how often even times come here", LEVELS, tuple(1 / error for error in errors), "dashed"),
        Series("the two multiplied", LEVELS, (1.0,) * len(LEVELS), "points"),
    )
    asked = ", ".join(f"{time:.2g}" for time in stops(steps, clock)[:-1])
    return Frame(
        (
            (_paths(level, steps, clock), _seen(level)),
            (
                Curves(
                    "By even angles, from noise to data", curves, "share of the right angle", "",
                    marker=level, drag="level",
                ),
            ),
        ),
        f"Diffusion sees {a:.2g} of the data and {s:.2g} of the noise here. Divided by {both:.3g}, their "
        f"sum, it is to the pixel the straight path's picture at t = {t:.2g}: the same in less contrast. The "
        f"velocity u made of diffusion's v errs {both**2:.3g} times as much, squared, and even times come "
        f"there 1 / {both**2:.3g} as often: nothing is left of either. Of {steps} "
        f"{'step' if steps == 1 else 'steps'} by even {clock}, the network is asked at t = {asked}.",
        {
            "share of data": a, "share of noise": s, "straight time": t,
            "strength of diffusion's picture": both,
        },
    )  # fmt: skip


def _seen(level: float) -> Images:
    """One digit and one noise, mixed by either, in the same shades of grey."""
    both = sum(shares(level))
    grey = [(((p / REACH + 1) / 2).clip(0, 1) * SHADES).round() / SHADES for p in pictures(level)]
    named = (f"D = {both:.3g} F", "F")
    return Images("What either network is given: D by diffusion, F by the flow", tuple(grey), 2, named)


def _paths(level: float, steps: int, clock: str) -> Sketch:
    """The circle, the straight line, and the ray on which both see the same."""
    a, s = shares(level)
    t = straight_time(level)
    circle = [shares(other)[::-1] for other in LEVELS]
    shapes = (
        Shape("the same picture", [[(0.0, 0.0), (s, a)]], "dashed", None),
        Shape("diffusion: squares add up to 1", [circle], "line", 1),
        Shape("flow: shares add up to 1", [[(1.0, 0.0), (0.0, 1.0)]], "line", 0),
        Shape("where the sampler asks", [[(1 - time, time) for time in stops(steps, clock)[:-1]]], "dots", 0),
        Shape("this level, as diffusion (D) and flow (F) see it", [[(s, a)], [(1 - t, t)]], "nodes", 2),
    )
    notes = (
        Note("noise", 0.97, -0.07, "right"), Note("data", 0.03, 1.1, "left"),
        Note("D", s, a), Note("F", 1 - t, t),
    )  # fmt: skip
    return Sketch(
        "Shares of noise and of data", shapes, (-0.05, 1.2, -0.15, 1.2), notes, ratio=1.0,
        x_label="share of noise", y_label="share of data",
        drag=Drag("level", "x", LEVELS, [shares(other)[1] for other in LEVELS]),
    )  # fmt: skip


EXPLORABLE = Explorable(
    "same-path", "flow", ("cfm",), "Diffusion and flow matching see the same pictures",
    "At which level is diffusion's picture strongest beside the flow's? And where do even angles stop more "
    "often than even times?",
    (
        Knob("level", "level", LEVELS, 0.75, "slider"),
        Knob("steps", "steps of the sampler", STEPS, 5, "slider"),
        Knob("clock", "even by", CLOCKS, "times", "choice"),
    ),
    same_path,
    place=35,
)  # fmt: skip
