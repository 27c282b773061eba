"""How strong R1 should be: the smallest game, one real point, one fake and a discriminator of one weight.

Source:  the Dirac-GAN of Mescheder, Geiger, Nowozin 2018, arXiv:1801.04406, section 2.
Names:   the real point lies at 0, the fake at theta, and D's logit at x is psi x.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

from atlas_cli.diagrams.frames import Curves, Explorable, Frame, Knob, Series
from atlas_cli.diagrams.sketch import Shape, Sketch

RATE = 0.2  # of both players
ROUNDS = 150
SHOWN = tuple(range(0, ROUNDS + 1, 5))
GAMMAS = (0.0, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 5.0)
START = (1.2, 0.0)  # theta and psi: the fake is away, and D has no opinion yet
SIDE, HIGH = 1.6, 1.2  # the picture shows -SIDE .. SIDE, and logits from -HIGH to HIGH
ARROW = 2.0  # along x: of a push of 1
HOME = 0.01  # of the way from the start: as good as there
Point = tuple[float, float]


@cache
def game(gamma: float) -> tuple[Point, ...]:
    """(theta, psi) at the start and after every round, D first, of descent on the atlas's own losses."""
    import torch

    from atlas_cli.systems.gan.gan import discriminator_loss

    theta, psi = (torch.tensor([value], dtype=torch.float64) for value in START)
    real = torch.zeros(1, dtype=torch.float64)
    seen = [START]
    for _ in range(ROUNDS):
        psi.requires_grad_()
        # D's slope at the real point is psi.
        verdict = discriminator_loss(psi * real, psi * theta) + gamma / 2 * psi.square().sum()
        (by_psi,) = torch.autograd.grad(verdict, psi)
        psi = (psi - RATE * by_psi).detach()
        theta = theta + RATE * push(float(theta), float(psi))
        seen.append((float(theta), float(psi)))
    return tuple(seen)


def push(theta: float, psi: float) -> float:
    """Downhill for the fake, by the loss of the min-max game, under which it circles exactly."""
    import torch

    from atlas_cli.systems.gan.gan import generator_loss

    place = torch.tensor([theta], dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(generator_loss(psi * place, "saturating"), place)
    return -float(slope)


def away(gamma: float) -> list[float]:
    """Distance from the solution, where the fake lies on the real point and D is flat, after every round."""
    return [math.hypot(*point) for point in game(gamma)]


def penalty(step: int, gamma: float) -> Frame:
    """D along the line after some rounds, and how far the game is from its end."""
    theta, psi = game(gamma)[step]
    distances, rounds = away(gamma), tuple(range(ROUNDS + 1))
    curves = (
        Series(f"gamma {gamma:g}", rounds, distances),
        Series("no penalty", rounds, away(0.0), "dashed"),
    )
    left = tuple(away(value)[-1] for value in GAMMAS[1:])
    return Frame(
        (
            (
                _landscape(theta, psi),
                Curves("Distance from the end of the game", curves, "round", "", marker=step, drag="step"),
            ),
            (
                Curves(
                    f"What is left of it after {ROUNDS} rounds", (Series("distance", GAMMAS[1:], left),),
                    "gamma", log_x=True, log_y=True, marker=gamma if gamma >= GAMMAS[1] else None,
                    drag="gamma",
                ),
            ),
        ),
        f"After {step} rounds the fake lies at {theta:.2g} and D's slope is {psi:.2g}. "
        f"{_told(gamma, distances)} The penalty charges for D's slope. Too weak, D is still tilted when the "
        "fake arrives and pushes it past; too strong, D hardly tilts and hardly pushes.",
        {"fake, theta": theta, "slope of D, psi": psi, "distance": distances[step],
         "distance at the end": distances[-1]},
    )  # fmt: skip


def _told(gamma: float, distances: list[float]) -> str:
    """How the game ends, from its distances."""
    start, end = distances[0], distances[-1]
    home = next((n for n in range(len(distances)) if max(distances[n:]) < HOME * start), None)
    under = f"With gamma {gamma:g}" if gamma else "Without the penalty"
    if home is not None:
        return (
            f"{under} both are at rest, within {HOME:.0%} of the distance they began with, by round {home}."
        )
    return f"{under} {end / start:.0%} of the distance is left after {ROUNDS} rounds."


def _landscape(theta: float, psi: float) -> Sketch:
    """D's logit along x, the two points on it, and where the fake is pushed."""
    height = psi * theta
    shapes = (
        Shape("D's logit", [[(-SIDE, -psi * SIDE), (SIDE, psi * SIDE)]], "line", 0),
        Shape("real", [[(0.0, 0.0)]], "dots", None),
        Shape("fake", [[(theta, height)]], "dots", 1),
        Shape("its push", [[(theta, height), (theta + ARROW * push(theta, psi), height)]], "arrow", 1),
    )
    return Sketch("What D says along the line", shapes, (-SIDE, SIDE, -HIGH, HIGH), ratio=0.75, x_label="x")


def given() -> dict[str, Any]:
    """The settings, for the twin."""
    return {
        "rate": RATE, "rounds": ROUNDS, "gammas": GAMMAS, "start": START, "side": SIDE, "arrow": ARROW,
        "home": HOME,
    }  # fmt: skip


EXPLORABLE = Explorable(
    "penalty", "gan", ("gan",), "How hard to hold D back",
    "Which gamma brings both to rest soonest, and what goes wrong with five times as much?",
    (
        Knob("step", "round", SHOWN, 30, "play"),
        Knob("gamma", "gamma of R1", GAMMAS, 0.1, "slider"),
    ),
    penalty,
    given=given,
    place=60,
)  # fmt: skip
