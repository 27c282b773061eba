"""Adversarial training to turn: where the generator's gradient goes, and how a layer is held to slope one.

Truncation, the discriminator of patches and the film of a training stand in files of their own.
"""

from __future__ import annotations

from typing import Any

from atlas_cli.diagrams.frames import Bars, Curves, Explorable, Frame, Group, Knob, Scatter, Series
from atlas_cli.explorables.patchgan import PATCHGAN
from atlas_cli.explorables.training_film import TRAINING_FILM
from atlas_cli.explorables.truncation import TRUNCATION

# --- min-max ------------------------------------------------------------------------------------------

LOSSES = ("non-saturating", "saturating")
CONFIDENCES = (
    0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.08, 0.12, 0.16, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55,
    0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99,
)  # fmt: skip


def generator_at(confidence: float, kind: str) -> tuple[float, float]:
    """The generator's loss, and its slope by the discriminator's logit, where D says `confidence`."""
    import torch

    from atlas_cli.systems.gan.gan import generator_loss

    logit = torch.logit(torch.tensor([confidence], dtype=torch.float64)).requires_grad_()
    loss = generator_loss(logit, kind.replace("-", "_"))  # type: ignore[arg-type]
    (slope,) = torch.autograd.grad(loss, logit)
    return float(loss.detach()), float(slope)


def min_max(confidence: float, loss: str) -> Frame:
    """What the generator is told when the discriminator gives its sample a probability of being real."""
    values = {name: [generator_at(d, name) for d in CONFIDENCES] for name in LOSSES}

    def curves(part: int, sign: float) -> tuple[Series, ...]:
        return tuple(
            Series(
                name, CONFIDENCES, tuple(sign * pair[part] for pair in pairs),
                "line" if name == loss else "dashed",
            )
            for name, pairs in values.items()
        )  # fmt: skip

    value, slope = generator_at(confidence, loss)
    strengths = tuple(-generator_at(confidence, name)[1] for name in LOSSES)
    return Frame(
        (
            (
                Curves("Generator's loss", curves(0, 1), "D(G(z))", "loss", marker=confidence),
                Curves("Pull on the logit", curves(1, -1), "D(G(z))", "-slope", marker=confidence),
            ),
            (Bars("Pull at this confidence", LOSSES, strengths, 1.0),),
        ),
        "Early on the discriminator is sure of every fake: D(G(z)) is near 0. Which loss still pulls there, "
        "and which has gone flat just when the generator has most to learn? Where do the two pull alike?",
        {"loss": value, "pull on the logit": -slope},
    )


# --- spectral norm ------------------------------------------------------------------------------------

TURN_IN, TURN_OUT = 0.6, 1.9  # radians: the matrix turns, stretches by its singular values, and turns again
LARGEST = 2.0
N_POINTS = 49


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
        Group("direction v of the estimate", along * v),
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
        "A layer divided by its largest stretch can move two inputs apart by at most their distance: its "
        "ellipse fits into the circle. How many iterations until it does? And what if the two stretches are "
        "nearly the same: does a slow estimate then matter?",
        {"estimate": found[-1], "true": LARGEST, "largest stretch after division": LARGEST / found[-1]},
    )


ITERATIONS = tuple(range(13))

EXPLORABLES = (
    Explorable(
        "min-max", "gan", ("gan",), "What the generator is told",
        "Which loss still pulls when the discriminator is sure of every fake?",
        (
            Knob("confidence", "D(G(z))", CONFIDENCES, 0.05, "slider"),
            Knob("loss", "loss", LOSSES, LOSSES[0], "choice"),
        ),
        min_max,
    ),
    Explorable(
        "spectral-norm", "gan", ("sngan",), "Holding a layer to slope one",
        "How many power iterations until the layer cannot stretch anything?",
        (
            Knob("iterations", "power iterations", ITERATIONS, 1, "play"),
            Knob("ratio", "smaller / larger stretch", (0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95), 0.5, "slider"),
        ),
        spectral_norm,
    ),
    TRUNCATION,
    PATCHGAN,
    TRAINING_FILM,
)  # fmt: skip
