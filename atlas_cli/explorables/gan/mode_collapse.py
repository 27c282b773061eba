"""One recipe, trained with its penalty and without: what a collapsed run looks like beside a healthy one.

Samples are those of the averaged weights, which a run gives away.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from atlas_cli.diagrams.frames import Curves, Explorable, Frame, Heatmap, Knob, LineStyle, Series
from atlas_cli.diagrams.sketch import Shape, Sketch
from atlas_cli.explorables.gan._films import (
    N_JUDGED,
    STEPS,
    WINDOW,
    film,
    good_share,
    in_window,
    modes_found,
    whole,
)

RUNS = {"with R1": "modes", "without R1": "modes-without-r1"}
SIDE = 5  # modes on a side of the grid
MOST = 3.0  # even shares at the fullest shade


def mode_collapse(step: int) -> Frame:
    """Both runs after some rounds: clouds, what each mode got, and two figures over the rounds."""
    stills = {run: film(name).at(step) for run, name in RUNS.items()}
    told = [(modes_found(still["average"]), good_share(still["average"])) for still in stills.values()]
    (kept, right), (left, fine) = told
    return Frame(
        (
            tuple(_cloud(run, still) for run, still in stills.items()),
            tuple(_shares(run, still) for run, still in stills.items()),
            (
                Curves("Modes found", _over_steps(modes_found), "round", f"of {SIDE**2}", marker=step,
                       drag="step"),
                Curves("Share of points on a mode", _over_steps(good_share), "round", "share", marker=step,
                       drag="step"),
            ),
        ),
        f"After {step} rounds the run with the penalty has found {kept} of {SIDE**2} modes, and {right:.0%} "
        f"of its points lie on one; the run without, {left} and {fine:.0%}. {_lesson(told)}",
        {
            "modes, with R1": kept, "modes, without": left, "points on a mode, with R1": right,
            "points on a mode, without": fine,
        },
    )  # fmt: skip


def _lesson(told: list[tuple[int, float]]) -> str:
    """What the two figures of the two runs say together."""
    (kept, right), (left, fine) = told
    if left < kept and fine > right:
        return (
            "Point by point the collapsed run looks the better one: only who counts modes sees what is lost."
        )
    if left < kept:
        return "Modes are missing without it, and no single point tells."
    return "So far the run with the penalty is not ahead."


def _cloud(run: str, still: dict[str, Any]) -> Sketch:
    shapes = (Shape("generated", [in_window(whole(still["smooth"]))], "dots", 1),)
    return Sketch(
        f"{run}: samples on D's map, 0 to 1", shapes, (-WINDOW, WINDOW, -WINDOW, WINDOW),
        ground=whole(still["view"]), low=0.0, high=1.0,
    )  # fmt: skip


def _shares(run: str, still: dict[str, Any]) -> Heatmap:
    """What each mode holds of the points, in even shares, as the modes lie in the plane."""
    shares = [SIDE**2 * count / N_JUDGED for count in still["average"]]  # by column from the left, upwards
    rows = [shares[row::SIDE] for row in reversed(range(SIDE))]
    return Heatmap(f"{run}: each mode's share, even = 1", rows, 0.0, MOST)


def _over_steps(figure: Callable[[list[int]], float]) -> tuple[Series, ...]:
    """A figure of both runs."""
    styles: tuple[LineStyle, LineStyle] = ("line", "dashed")
    return tuple(
        Series(run, STEPS, tuple(figure(still["average"]) for still in film(name).stills), style)
        for (run, name), style in zip(RUNS.items(), styles, strict=True)
    )


EXPLORABLE = Explorable(
    "mode-collapse", "gan", ("sngan",), "Healthy and collapsed, side by side",
    "Which of the six pictures would not tell you that modes are missing?",
    (Knob("step", "round", STEPS, STEPS[-1], "play"),),
    mode_collapse,
    place=55,
)  # fmt: skip
