"""A linear student and its moving average on twelve points: which collapse comes, and what prevents it.

Source:  Caron et al. 2021, arXiv:2104.14294, section 5.3 and figure 7 (entropy and KL). The loss, the
         centre's use, the entropies and the name of the collapse are the system's own functions.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from atlas_cli.diagrams.frames import Bars, Curves, Explorable, Frame, Heatmap, Knob, Series

if TYPE_CHECKING:
    from torch import Tensor

CENTRING = ("on", "off")
TEMPERATURES = (0.02, 0.04, 0.06, 0.1, 0.2, 0.4)  # of the teacher; the student has STUDENT
STUDENT, MOMENTUM, CENTRE_MOMENTUM, RATE = 0.1, 0.9, 0.9, 0.2
KINDS, EACH, WIDTH, K = 4, 3, 6, 8  # kinds of points, points of each, numbers of a point, outputs
ASIDE = 3.0  # what all points share, in every number
STEPS, EVERY = 300, 20
LOOKS = tuple(range(0, STEPS + 1, EVERY))


class Look(NamedTuple):
    """The teacher's answers to the points, and what is told of them."""

    answers: Tensor  # (12, K)
    entropy: float
    of_mean: float
    kl: float


@cache
def points() -> Tensor:
    """Twelve points of four kinds, all of which lie to one side: (12, WIDTH)."""
    import torch

    random = torch.Generator().manual_seed(1)
    kind = torch.randn(KINDS, WIDTH, generator=random, dtype=torch.float64).repeat_interleave(EACH, 0)
    own = torch.randn(KINDS * EACH, WIDTH, generator=random, dtype=torch.float64)
    return kind + 0.2 * own + ASIDE


@cache
def course(centring: str, temperature: float) -> tuple[Look, ...]:
    """Training from the same start, looked at every so often."""
    import torch
    from torch.nn import functional as F

    from atlas_cli.systems.contrastive.dino import dino_loss, entropies, sharpened

    random = torch.Generator().manual_seed(0)
    x = points()
    student = torch.randn(K, WIDTH, generator=random, dtype=torch.float64, requires_grad=True)
    teacher, centre = student.detach().clone(), torch.zeros(K, dtype=torch.float64)
    looks = []

    def says(weight: Tensor, crops: Tensor) -> Tensor:
        return F.normalize(crops @ weight.T, dim=2)  # as the head's: of length one

    for step in range(STEPS + 1):
        crops = x + 0.3 * torch.randn(2, *x.shape, generator=random, dtype=torch.float64)
        t = says(teacher, crops)
        p = sharpened(t, centre, temperature)
        loss = dino_loss(p, says(student, crops), STUDENT)
        if step % EVERY == 0:
            entropy, of_mean = entropies(p)
            answers = sharpened(says(teacher, x[None]), centre, temperature)[0]
            looks.append(Look(answers, float(entropy), float(of_mean), float(loss.detach() - entropy)))
        (slope,) = torch.autograd.grad(loss, student)
        with torch.no_grad():
            student -= RATE * slope
            teacher.lerp_(student, 1 - MOMENTUM)
            if centring == "on":
                centre.lerp_(t.mean((0, 1)), 1 - CENTRE_MOMENTUM)
    return tuple(looks)


def dino_centring(centring: str, temperature: float, step: int) -> Frame:
    """The answers at one step, their mean, and entropy and KL over training."""
    import math

    from atlas_cli.systems.contrastive.dino import collapse

    looks = course(centring, temperature)
    look, whole = looks[step // EVERY], math.log(K)
    kind = collapse(look.entropy, look.of_mean, K)
    told = {
        "uniform": "All points get all outputs alike: the uniform collapse.",
        "one output": "All points get the same outputs: one of them dominates.",
        "": "Points of different kinds get different answers: no collapse.",
    }[kind]
    names = tuple(f"{'abcd'[i // EACH]}{i % EACH + 1}" for i in range(KINDS * EACH))
    outputs = tuple(str(k + 1) for k in range(K))
    series = (
        Series("entropy of an answer", LOOKS, tuple(one.entropy for one in looks)),
        Series("entropy of the mean answer", LOOKS, tuple(one.of_mean for one in looks), "dashed"),
        Series("KL of teacher and student", LOOKS, tuple(max(0.0, one.kl) for one in looks), "points"),
    )
    panels = (
        (
            Heatmap("The teacher's answer to each point", look.answers, 0.0, 1.0, "output", "point",
                    outputs, names),
            Bars("The mean answer", outputs, look.answers.mean(0), 1.0),
        ),
        (Curves("Nats over training", series, "step", "nats", marker=step, drag="step"),),
    )  # fmt: skip
    return Frame(
        panels,
        f"Centring {centring}, teacher's temperature {temperature:g} beside {STUDENT:g} of the student, step "
        f"{step}: an answer has an entropy of {look.entropy:.2f} nats, the mean answer {look.of_mean:.2f}, "
        f"of at most {whole:.2f}. {told}",
        {"entropy": look.entropy, "of the mean": look.of_mean, "KL": look.kl, "collapse": kind or "none"},
    )


EXPLORABLE = Explorable(
    "dino-centring", "contrastive", ("dino",), "Two ways to collapse",
    "Which collapse comes without centring, and which without sharpening?",
    (
        Knob("centring", "centring", CENTRING, "on", "choice"),
        Knob("temperature", "teacher's temperature", TEMPERATURES, 0.04, "slider"),
        Knob("step", "step", LOOKS, STEPS, "play"),
    ),
    dino_centring,
    place=50,
)  # fmt: skip
