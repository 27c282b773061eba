"""Holding a layer to slope one, by power iteration.

Source:  Miyato et al. 2018, arXiv:1802.05957, Algorithm 1.
"""

from __future__ import annotations

from typing import Any

from atlas_cli.diagrams.frames import Curves, Explorable, Frame, Group, Knob, Scatter, Series

TURN_IN, TURN_OUT = 0.6, 1.9  # radians: the matrix turns, stretches by its singular values, and turns again
LARGEST = 2.0
N_POINTS = 49
ITERATIONS = tuple(range(13))


def matrix_of(ratio: float) -> Any:
    """A 2 x 2 matrix with singular values LARGEST and ratio * LARGEST."""
    import numpy as np

    def turn(angle: float) -> Any:
        return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])

    return turn(TURN_OUT) @ np.diag([LARGEST, ratio * LARGEST]) @ turn(TURN_IN).T


def estimates(ratio: float, iterations: int) -> tuple[list[float], Any]:
    """Estimates u^T W v after 0 .. iterations rounds (Miyato et al. 2018, Algorithm 1), and the last v."""
    import numpy as np

    W = matrix_of(ratio)
    v = np.array([np.cos(TURN_IN + 1.5), np.sin(TURN_IN + 1.5)])  # almost the wrong direction
    found = [float(np.linalg.norm(W @ v))]
    for _ in range(iterations):
        u = W @ v / np.linalg.norm(W @ v)
        v = W.T @ u / np.linalg.norm(W.T @ u)
        found.append(float(np.linalg.norm(W @ v)))
    return found, v


def spectral_norm(iterations: int, ratio: float) -> Frame:
    """The unit circle, what a layer makes of it, and what is left after division by the estimate."""
    import numpy as np

    found, v = estimates(ratio, iterations)
    W = matrix_of(ratio)
    angles = np.linspace(0, 2 * np.pi, N_POINTS)
    circle = np.stack([np.cos(angles), np.sin(angles)])  # (2, points)
    along = np.linspace(0, 1, 9)[:, None]
    groups = (
        Group("inputs of length 1", circle.T),
        Group("W x", (W @ circle).T),
        Group("W x / estimate", (W @ circle / found[-1]).T),
        Group("v, the input of the estimate", along * v),
        Group("W v, as long as the estimate", along * (W @ v)),
    )
    rounds = tuple(range(iterations + 1))
    curves = (
        Series("true largest stretch", (0, ITERATIONS[-1]), (LARGEST, LARGEST), "dashed"),
        Series("estimate", rounds, found, "points"),
    )
    return Frame(
        (
            (
                Scatter("What the layer does to a circle", groups, (-2.6, 2.6, -2.6, 2.6)),
                Curves("Estimate of the largest stretch", curves, "power iterations", ""),
            ),
        ),
        f"After {_counted(iterations)} the estimate is {found[-1]:.3g} of {LARGEST:g}, and the divided layer "
        f"still stretches by {LARGEST / found[-1]:.3g}. Each one turns v towards the input that W stretches "
        "most. A layer divided by its largest stretch can move two inputs apart by at most their distance: "
        "its ellipse fits into the circle.",
        {"estimate": found[-1], "true": LARGEST, "largest stretch after division": LARGEST / found[-1]},
    )


def _counted(iterations: int) -> str:
    return "1 iteration" if iterations == 1 else f"{iterations} iterations"


EXPLORABLE = Explorable(
    "spectral-norm", "gan", ("sngan",), "Holding a layer to slope one",
    "How many iterations until the ellipse fits? If both stretches are alike, does a slow estimate matter?",
    (
        Knob("iterations", "power iterations", ITERATIONS, 1, "play"),
        Knob("ratio", "smaller / larger stretch", (0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95), 0.5, "slider"),
    ),
    spectral_norm,
    place=20,
)  # fmt: skip
