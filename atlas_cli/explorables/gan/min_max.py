"""What the generator is told: where its gradient goes when the discriminator is sure."""

from __future__ import annotations

import math
from functools import cache

from atlas_cli.diagrams.frames import Bars, Drag, Explorable, Frame, Knob
from atlas_cli.diagrams.sketch import Note, Shape, Sketch

LOSSES = ("non-saturating", "saturating")
LOW, HIGH = -6.8, 7.2  # of the losses that are drawn
ARROW, TANGENT = 2.4, 1.6  # along the logit: of a pull of 1, and to both sides
CONFIDENCES = (
    0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.08, 0.12, 0.16, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55,
    0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99,
)  # fmt: skip


@cache
def generator_at(confidence: float, kind: str) -> tuple[float, float]:
    """The generator's loss, and its slope by the discriminator's logit, where D says `confidence`."""
    import torch

    from atlas_cli.systems.gan.gan import generator_loss

    logit = torch.logit(torch.tensor([confidence], dtype=torch.float64)).requires_grad_()
    loss = generator_loss(logit, kind.replace("-", "_"))  # type: ignore[arg-type]
    (slope,) = torch.autograd.grad(loss, logit)
    return float(loss.detach()), float(slope)


def min_max(confidence: float) -> Frame:
    """What the generator is told when the discriminator gives its sample a probability of being real."""
    here = _logit(confidence)
    strong, weak = (-generator_at(confidence, name)[1] for name in LOSSES)
    return Frame(
        (
            (_losses(confidence),),
            (Bars("Pull on the sample: the steepness of the loss", LOSSES, (strong, weak), 1.0),),
        ),
        f"Where D(G(z)) is {confidence:g}, the non-saturating loss pulls the sample with {strong:.2g} and "
        f"the saturating one with {weak:.2g}: {_told(strong, weak)}. An arrow is as long as the "
        "loss is steep there. Early on the discriminator is sure of every fake: D(G(z)) is near "
        "0, far to the left, just when the generator has most to learn.",
        {"pull, non-saturating": strong, "pull, saturating": weak, "logit": here},
    )


def _told(strong: float, weak: float) -> str:
    if abs(strong - weak) < 1e-9:
        return "both alike"
    more, ratio = ("first", strong / weak) if strong > weak else ("second", weak / strong)
    return f"the {more} {ratio:.3g} times as hard"


def _losses(confidence: float) -> Sketch:
    """Both losses along the logit, and from where the sample is an arrow down each."""
    here = _logit(confidence)
    lines: list[Shape] = []
    pulls: list[Shape] = []
    tangents: list[list[tuple[float, float]]] = []
    points: list[tuple[float, float]] = []
    for hue, name in enumerate(LOSSES):
        values = [(_logit(d), generator_at(d, name)[0]) for d in CONFIDENCES]
        loss, slope = generator_at(confidence, name)
        lines.append(Shape("", [values], "line" if hue == 0 else "dashed", hue))
        tangents.append([(here + dx, loss + slope * dx) for dx in (-TANGENT, TANGENT)])
        pulls.append(Shape("", [((here, loss), (here - ARROW * slope, loss))], "arrow", hue))
        points.append((here, loss))
    shapes = (
        Shape("", [((here, LOW), (here, HIGH))], "dashed", None),
        *lines,
        Shape("steepness", tangents, "line", 5),
        *pulls,
        Shape("the sample, and its pull", [points], "dots", 5),
    )
    notes = (Note("non-saturating", -5.5, 6.3, "left"), Note("saturating", -6.9, -0.6, "left"))
    ticks = tuple((f"{d:g}", _logit(d)) for d in (0.001, 0.01, 0.1, 0.5, 0.9, 0.99))
    return Sketch(
        "Generator's loss, and the way down from here", shapes, (-7.2, 6.8, LOW, HIGH), notes, ratio=0.5,
        x_label="D(G(z)), evenly along its logit", x_ticks=ticks,
        y_ticks=(("-5", -5.0), ("0", 0.0), ("5", 5.0)),
        drag=Drag("confidence", values=CONFIDENCES, at=[_logit(d) for d in CONFIDENCES]),
    )  # fmt: skip


def _logit(probability: float) -> float:
    return math.log(probability / (1 - probability))


EXPLORABLE = Explorable(
    "min-max", "gan", ("gan",), "What the generator is told",
    "Which loss still pulls where D is sure of every fake, and where do the two pull alike?",
    (Knob("confidence", "D(G(z))", CONFIDENCES, 0.05, "slider"),),
    min_max,
    place=10,
)  # fmt: skip
