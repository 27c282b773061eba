"""A recorded training of the atlas's own system: a GAN that looks for 25 Gaussians."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

from atlas_cli.diagrams.frames import Curves, Explorable, Frame, Knob, LineStyle, Series
from atlas_cli.diagrams.sketch import Shape, Sketch
from atlas_cli.explorables.gan._films import (
    N_PULLED,
    N_SHOWN,
    STEPS,
    WINDOW,
    film,
    good_share,
    in_window,
    modes_found,
    whole,
)

NAME = "modes"  # of the film
BELIEFS = (0.44, 0.54)  # D at both ends of the shades: R1 keeps most between
STRETCH, LONGEST = 6.0, 1.0  # of an arrow: times the slope, and at most
TINY = 1e-9
DATA = {"name": "modes25"}
FIRST, FINDS_ALL = (250, 750), 4750  # rounds between those that stand on the knob
SHOWN = tuple(step for step in STEPS if step % 500 == 0 or step in (*FIRST, FINDS_ALL))


def training_film(step: int) -> Frame:
    """Both players after some rounds."""
    now, everything = film(NAME).at(step), film(NAME).facts["modes"]
    found, good, smooth = modes_found(now["counts"]), good_share(now["counts"]), modes_found(now["average"])
    beliefs = (
        _over_steps("d_real", "of real points"),
        _over_steps("d_fake", "of generated ones", "dashed"),
    )
    counted = (
        _over_steps("counts", "as it stands", told=modes_found),
        _over_steps("average", "its running average", "dashed", modes_found),
    )
    shares = (
        _over_steps("counts", "as it stands", told=good_share),
        _over_steps("average", "its running average", "dashed", good_share),
    )
    return Frame(
        (
            (
                _map(now),
                Curves(
                    "Gaussians that the generator has found", counted, "round", f"of {everything}",
                    marker=step, drag="step",
                ),
            ),
            (
                Curves("D(x), mean", beliefs, "round", "D", marker=step, drag="step"),
                Curves("Share of points on a Gaussian", shares, "round", "share", marker=step, drag="step"),
            ),
        ),
        f"After {step} rounds {_told(found, everything)}, its running average {smooth}, and {good:.0%} of "
        f"its points lie on one. Arrows say where the slope of D sends {N_PULLED} of the points: it is all "
        f"that the generator ever learns from. Filmed: {film(NAME).recipe}, seed {film(NAME).seed}, all "
        f"{film(NAME).rounds} rounds.",
        {
            "Gaussians found": found, "found by the average": smooth, "good points": good,
            "D of real": now["d_real"], "D of generated": now["d_fake"],
        },
    )  # fmt: skip


def _told(found: int, everything: int) -> str:
    if found == everything:
        return f"the generator has found all {everything} Gaussians"
    return f"the generator has found {found or 'none'} of {everything} Gaussians"


def _map(now: dict[str, Any]) -> Sketch:
    """Both kinds of points on the discriminator's map, and where D sends some of them."""
    points, (low, high) = whole(now["points"]), BELIEFS
    arrows = [
        (point, _end(point, pull)) for point, pull in zip(points, whole(now["pulls"]), strict=False)
        if point in in_window([point])
    ]  # fmt: skip
    return Sketch(
        f"Points on the map of D, which is empty at {low:g} and full at {high:g}",
        (
            Shape("real", [_real()], "dots", None),
            Shape("generated", [in_window(points)], "dots", 1),
            Shape("where D sends them", arrows, "arrow", 1),
        ),
        (-WINDOW, WINDOW, -WINDOW, WINDOW), ground=whole(now["view"]), low=low, high=high,
    )  # fmt: skip


def _end(point: list[float], pull: list[float]) -> tuple[float, float]:
    """Of an arrow along the pull, of a length that the picture bears."""
    length = STRETCH * math.hypot(*pull)
    scale = STRETCH * min(1.0, LONGEST / max(length, TINY))
    return point[0] + scale * pull[0], point[1] + scale * pull[1]


@cache
def _real() -> list[list[float]]:
    from atlas_cli.data import load

    source: Any = load(DATA)
    points: list[list[float]] = source.held_out(N_SHOWN).tolist()
    return points


def _over_steps(
    name: str, label: str, style: LineStyle = "line", told: Callable[[Any], float] = float
) -> Series:
    return Series(label, STEPS, tuple(told(still[name]) for still in film(NAME).stills), style)


EXPLORABLE = Explorable(
    "training-film", "gan", ("gan",), "Two players at work",
    "Where do arrows lead that leave a Gaussian: to one that is known, or to one where no point is yet?",
    (Knob("step", "round", SHOWN, 3000, "play"),),
    training_film,
    place=50,
    opens=True,
    plays=True,
)  # fmt: skip
