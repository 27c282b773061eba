"""Why two players circle: the smallest GAN there is, moved by four rules.

Source:  Mescheder, Geiger, Nowozin 2018, arXiv:1801.04406: one real point at 0, one fake at theta, and a
         discriminator that is a line through 0, d(x) = psi x. With the Wasserstein loss it is the bilinear
         game: min over psi, max over theta of psi theta. Extragradient: Gidel et al. 2018, arXiv:1802.10551.
Differs: a turn is one step of each player; the penalty, where it is due, is due at every turn.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

from atlas_cli.diagrams.frames import Curves, Explorable, Frame, Knob, Series
from atlas_cli.diagrams.sketch import Note, Shape, Sketch

LOSSES = ("Wasserstein", "min-max", "non-saturating")
RULES = {
    "simultaneous": "Both answer where the other was.",
    "alternating": "D moves first, and G answers where D has gone.",
    "extragradient": "Both try a step, and then move from where they were by what they found there.",
    "R1": "Both answer where the other was, and D pays for its slope at the real point.",
}
GAMMA = 1.0  # of R1, here for a single real point
START = (1.0, 0.0)  # theta, psi: the fake is off by 1, and D has no opinion yet
LAST = 60  # turns
TURNS = (0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 14, 16, 18, 20, 24, 28, 32, 36, 40, 44, 48, 52, 56, LAST)
SIZES = (0.1, 0.2, 0.3, 0.5, 0.8, 1.0, 1.2)
EDGE = 2.4  # of the picture; a path ends where it leaves it
GRID = (-1.8, -1.2, -0.6, 0.0, 0.6, 1.2, 1.8)
ARROW = 0.22  # as long as the pull, times this

State = tuple[float, float]


def pull(state: State, loss: str, gamma: float = 0.0) -> State:
    """Downhill for each: minus the slope of G's loss by theta, and of D's by psi."""
    import torch

    from atlas_cli.systems.gan.gan import discriminator_loss, generator_loss

    theta, psi = (torch.tensor([x], dtype=torch.float64, requires_grad=True) for x in state)
    real = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    d_real, d_fake = psi * real, psi * theta
    if loss == "Wasserstein":
        loss_d, loss_g = (d_fake - d_real).sum(), -d_fake.sum()
    else:
        loss_d = discriminator_loss(d_real, d_fake)
        loss_g = generator_loss(d_fake, "saturating" if loss == "min-max" else "non_saturating")
    (slope,) = torch.autograd.grad(d_real.sum(), real, create_graph=True)
    (by_theta,) = torch.autograd.grad(loss_g, theta, retain_graph=True)
    (by_psi,) = torch.autograd.grad(loss_d + gamma / 2 * slope.square().sum(), psi)
    return -float(by_theta), -float(by_psi)


def turn_once(state: State, rule: str, loss: str, size: float) -> State:
    """Where both stand after one turn."""
    (theta, psi), gamma = state, gamma_of(rule)
    first = pull(state, loss, gamma)
    if rule == "alternating":
        psi += size * first[1]
        return theta + size * pull((theta, psi), loss)[0], psi
    if rule == "extragradient":
        first = pull((theta + size * first[0], psi + size * first[1]), loss)
    return theta + size * first[0], psi + size * first[1]


def gamma_of(rule: str) -> float:
    """The weight of the penalty."""
    return GAMMA if rule == "R1" else 0.0


@cache
def path(rule: str, loss: str, size: float) -> tuple[State, ...]:
    """From the start to the last turn, or to the last within the picture."""
    states = [START]
    while len(states) <= LAST:
        state = turn_once(states[-1], rule, loss, size)
        if max(map(abs, state)) > EDGE:
            break
        states.append(state)
    return tuple(states)


def circling(turn: int, rule: str, size: float, loss: str) -> Frame:
    """The players so far, and how far each rule takes them from the balance."""
    walked = path(rule, loss, size)
    now = walked[min(turn, len(walked) - 1)]
    curves = tuple(_curve(name, name == rule, path(name, loss, size)) for name in RULES)
    return Frame(
        (
            (
                _plane(walked[: turn + 1], loss, gamma_of(rule)),
                Curves("Distance from the balance", curves, "turn", "", marker=turn, drag="turn"),
            ),
        ),
        f"{RULES[rule]} With the {loss} loss and steps of {size:g} they begin 1 from the balance, where the "
        f"fake is real and D is flat. {_told(walked, turn)}. Near the balance the losses pull across the way "
        "to it, not along it.",
        {
            "theta": now[0], "psi": now[1], "distance": math.hypot(*now),
            "turns within the picture": len(walked) - 1,
        },
    )  # fmt: skip


def _curve(rule: str, chosen: bool, walked: tuple[State, ...]) -> Series:
    far = tuple(math.hypot(*state) for state in walked)
    return Series(rule, tuple(range(len(walked))), far, "line" if chosen else "dashed")


def _told(walked: tuple[State, ...], turn: int) -> str:
    """Where they are, and what becomes of them."""
    if turn >= len(walked):
        return f"At turn {len(walked)} they leave the picture"
    stand = f"{math.hypot(*walked[turn]):.3g} from the balance"
    said = f"After {turn} {'turn' if turn == 1 else 'turns'} they stand {stand}"
    if len(walked) <= LAST:
        return f"{said}, and at turn {len(walked)} they leave the picture"
    return said if turn == LAST else f"{said}, after {LAST} turns {math.hypot(*walked[-1]):.3g}"


@cache
def _arrows(loss: str, gamma: float) -> tuple[Any, ...]:
    """From a grid of places, where both are pulled there."""
    places = [(x, y) for y in GRID for x in GRID if x or y]
    pulls = [pull(place, loss, gamma) for place in places]
    return tuple(
        ((x, y), (x + ARROW * dx, y + ARROW * dy)) for (x, y), (dx, dy) in zip(places, pulls, strict=True)
    )


def _plane(walked: tuple[State, ...], loss: str, gamma: float) -> Sketch:
    shapes = (
        Shape("pull on both", _arrows(loss, gamma), "arrow", None),
        Shape("turns so far", [walked], "line", 0),
        Shape("", [walked[:-1]], "dots", 0),
        Shape("the players now", [walked[-1:]], "dots", 1),
        Shape("balance", [[(0.0, 0.0)]], "dots", 5),
    )
    return Sketch(
        "Both players in one plane", shapes, (-EDGE, EDGE, -EDGE, EDGE), (Note("start", 0.95, 0.17),),
        x_label="theta: where G has put the fake", y_label="psi: slope of D",
    )  # fmt: skip


def given() -> dict[str, Any]:
    """The settings, for the twin."""
    places = [(x, y) for y in GRID for x in GRID if x or y]
    return {
        "rules": RULES, "gamma": GAMMA, "start": START, "last": LAST, "edge": EDGE, "places": places,
        "arrow": ARROW,
    }  # fmt: skip


EXPLORABLE = Explorable(
    "circling", "gan", ("sngan",), "Two players who circle",
    "Which rules come to rest with small steps, and which of them still do with large ones?",
    (
        Knob("turn", "turns", TURNS, 20, "play"),
        Knob("rule", "rule", tuple(RULES), "simultaneous", "choice"),
        Knob("size", "step size", SIZES, 0.2, "slider"),
        Knob("loss", "loss", LOSSES, LOSSES[0], "choice"),
    ),
    circling,
    given=given,
    place=25,
)  # fmt: skip
