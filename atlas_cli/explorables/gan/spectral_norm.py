"""Holding a layer to slope one, by power iteration.

Source:  Miyato et al. 2018, arXiv:1802.05957, Algorithm 1.
"""

from __future__ import annotations

import math
from typing import Any

from atlas_cli.diagrams.frames import Curves, Drag, Explorable, Frame, Knob, Series
from atlas_cli.diagrams.sketch import Note, Shape, Sketch

TURN_IN, TURN_OUT = 0.6, 1.9  # radians: the matrix turns, stretches by its singular values, and turns again
LARGEST = 2.0
N_POINTS = 49
ITERATIONS = tuple(range(13))
STARTS = tuple(range(0, 161, 20))  # directions of the first v, in degrees
START = 120  # almost the wrong one


def matrix_of(ratio: float) -> Any:
    """A 2 x 2 matrix with singular values LARGEST and ratio * LARGEST."""
    import numpy as np

    def turn(angle: float) -> Any:
        return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])

    return turn(TURN_OUT) @ np.diag([LARGEST, ratio * LARGEST]) @ turn(TURN_IN).T


def estimates(ratio: float, iterations: int, start: float = START) -> tuple[list[float], Any]:
    """Estimates u^T W v (Miyato et al. 2018, Algorithm 1), after 0 .. iterations rounds, and each v, (., 2).

    Args:
        ratio: Of the smaller singular value to the larger.
        iterations: Rounds.
        start: Direction of the first v, in degrees.
    """
    import numpy as np

    W = matrix_of(ratio)
    angle = math.radians(start)
    v = np.array([np.cos(angle), np.sin(angle)])
    found, tried = [float(np.linalg.norm(W @ v))], [v]
    for _ in range(iterations):
        u = W @ v / np.linalg.norm(W @ v)
        v = W.T @ u / np.linalg.norm(W.T @ u)
        found.append(float(np.linalg.norm(W @ v)))
        tried.append(v)
    return found, np.stack(tried)


def spectral_norm(iterations: int, ratio: float, start: float) -> Frame:
    """The unit circle, what a layer makes of it, and what is left after division by the estimate."""
    found, _ = estimates(ratio, iterations, start)
    largest = LARGEST / found[-1]
    rounds = tuple(range(iterations + 1))
    curves = (
        Series("true largest stretch", (0, ITERATIONS[-1]), (LARGEST, LARGEST), "dashed"),
        Series("estimate", rounds, found, "points"),
    )
    return Frame(
        (
            (
                _ellipses(ratio, iterations, start),
                Curves("Estimate: the length of W v", curves, "power iterations", "", marker=iterations,
                       drag="iterations"),
            ),
        ),
        f"After {_counted(iterations)} from {start:g} degrees W stretches v by {found[-1]:.3g}, of at most "
        f"{LARGEST:g}: the divided layer still stretches by {largest:.3g}, and its ellipse "
        f"{'fits into' if largest < 1.01 else 'sticks out of'} the circle. Each iteration turns v towards "
        "the input that W stretches most. A layer divided by its largest stretch moves two inputs apart by "
        "at most their distance.",
        {"estimate": found[-1], "true": LARGEST, "largest stretch after division": largest},
    )  # fmt: skip


def _ellipses(ratio: float, iterations: int, start: float) -> Sketch:
    """Inputs and outputs in one plane: v on the circle, W v on the ellipse, joined."""
    import numpy as np

    found, tried = estimates(ratio, iterations, start)
    W, v = matrix_of(ratio), tried[-1]
    angles = np.linspace(0, 2 * np.pi, N_POINTS)
    circle = np.stack([np.cos(angles), np.sin(angles)])  # (2, points)
    most = np.array([np.cos(TURN_IN), np.sin(TURN_IN)])
    here = W @ v
    shapes = (
        Shape("inputs of length 1", [circle.T], "line", None),
        Shape("stretched most", [[-most, most]], "dashed", None),
        Shape("W x", [(W @ circle).T], "line", 0),
        Shape("W x / estimate", [(W @ circle / found[-1]).T], "dashed", 2),
        Shape("", [[v, here]], "dashed", None),
        Shape("every v so far", [tried], "dots", 1),
        Shape("", [[(0, 0), v]], "arrow", 1),
        Shape("", [[(0, 0), here]], "arrow", 0),
    )
    notes = (Note("v", *(1.18 * v)), Note("W v", *(here * (1 + 0.2 / found[-1]))))
    held = Drag("start", "x", STARTS, [math.cos(math.radians(degrees)) for degrees in STARTS])
    return Sketch("What the layer does to a circle", shapes, (-2.4, 2.4, -2.4, 2.4), notes, drag=held)


def _counted(iterations: int) -> str:
    return "1 iteration" if iterations == 1 else f"{iterations} iterations"


EXPLORABLE = Explorable(
    "spectral-norm", "gan", ("sngan",), "Holding a layer to slope one",
    "How many iterations until the ellipse fits? If both stretches are alike, does a slow estimate matter?",
    (
        Knob("iterations", "power iterations", ITERATIONS, 1, "play"),
        Knob("ratio", "smaller / larger stretch", (0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95), 0.5, "slider"),
        Knob("start", "first v", STARTS, START, "slider", "degrees"),
    ),
    spectral_norm,
    place=20,
)  # fmt: skip
