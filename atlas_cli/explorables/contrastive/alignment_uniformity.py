"""Eight images on a circle, moved by one small encoder: alignment, uniformity, and what prevents collapse.

Source:  Wang, Isola 2020, arXiv:2005.10242, section 4.1. The losses are in `_cures`, the measures are
         those of the probes.
Shapes:  N images of D numbers, P = 2 features, which the circle shows as a direction.
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from atlas_cli.diagrams.frames import Curves, Explorable, Frame, Knob, Series
from atlas_cli.diagrams.sketch import Shape, Sketch

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

CURES = {
    "nothing": "Views shall agree, and nothing keeps images apart.",
    "strangers": "Each view is to find its partner among all others.",
    "a stopped side": "A predictor tells one view from the other, which stands still.",
    "balanced answers": "A view tells the other's prototype, and all prototypes get equal shares.",
    "decorrelation": "Views agree, and each feature must vary by itself.",
}
NOISE = (0.25, 0.5, 1.0)  # of a view, where images have a deviation of 1
TEMPERATURE = 0.2  # of strangers and of balanced answers
STEPS = (0, 10, 20, 40, 70, 100, 150, 200, 250, 300)
N, D, P = 8, 6, 2
RATE = 0.3
SEED = 0
FLAT = 0.02  # share of the variance in the weaker direction, below which all lie on one line


class Seen(NamedTuple):
    """How the two views of all images lie after some steps."""

    views: Tensor  # (2, N, P), of length one
    alignment: float
    uniformity: float
    spread: float
    second: float  # share of the variance that the weaker of two directions has


@cache
def trained(cure: str, noise: float) -> tuple[Seen, ...]:
    """The encoder at each of STEPS: one linear layer for all images, moved by plain gradient descent."""
    import torch

    random = torch.Generator().manual_seed(SEED)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=random, dtype=torch.float64)

    images, weight, bias = normal(N, D), normal(P, D) / math.sqrt(D), 0.1 * normal(P)
    predictor = torch.eye(P, dtype=torch.float64) + 0.1 * normal(P, P)
    shown = images + noise * normal(2, N, D)  # views that all settings share
    moved = [weight, bias, predictor]
    for x in moved:
        x.requires_grad_(True)
    seen = []
    for step in range(STEPS[-1] + 1):
        if step in STEPS:
            seen.append(_seen((shown @ weight.T + bias).detach()))
        a, b = (images + noise * normal(2, N, D)) @ weight.T + bias  # views drawn anew, as in training
        _descend(loss(cure, predictor)(a, b), moved)
    return tuple(seen)


def loss(cure: str, predictor: Tensor) -> Callable[[Tensor, Tensor], Tensor]:
    """The loss of two views by what keeps images apart."""
    from atlas_cli.explorables.contrastive._cures import (
        balanced,
        decorrelated,
        nothing,
        stopped,
        strangers,
    )

    return {
        "nothing": nothing,
        "strangers": lambda a, b: strangers(a, b, TEMPERATURE),
        "a stopped side": lambda a, b: stopped(a, b, predictor),
        "balanced answers": lambda a, b: balanced(a, b, TEMPERATURE),
        "decorrelation": decorrelated,
    }[cure]


def _descend(value: Tensor, moved: list[Tensor]) -> None:
    import torch

    slopes = torch.autograd.grad(value, moved, allow_unused=True)  # a predictor is not always there
    with torch.no_grad():
        for x, slope in zip(moved, slopes, strict=True):
            if slope is not None:
                x -= RATE * slope


def _seen(features: Tensor) -> Seen:
    import torch
    from torch.nn import functional as F

    from atlas_cli.metrics import probe

    views = F.normalize(features, dim=2)
    a, b = views
    variance = torch.linalg.eigvalsh(torch.cov(a.T))  # (P,), the weaker first
    share = float(variance[0] / variance.sum())
    return Seen(views, probe.alignment(a, b), probe.uniformity(a), float(probe.spread(a)), share)


@cache
def evenest() -> float:
    """The uniformity of N points that stand evenly on the circle."""
    import torch

    from atlas_cli.metrics import probe

    turn = torch.arange(N, dtype=torch.float64) * (2 * math.pi / N)
    return probe.uniformity(torch.stack([turn.cos(), turn.sin()], 1))


def alignment_uniformity(step: int, cure: str, noise: float) -> Frame:
    """Both views of all images on the circle, and the two measures over training."""
    run = trained(cure, noise)
    now = run[STEPS.index(step)]
    curves = (
        Series("alignment", STEPS, tuple(seen.alignment for seen in run)),
        Series("uniformity", STEPS, tuple(seen.uniformity for seen in run), "dashed"),
    )
    return Frame(
        (
            (
                _circle(now),
                Curves("Alignment and uniformity", curves, "step", marker=step, drag="step"),
            ),
        ),
        f"{CURES[cure]} Views differ from their image by {noise:g} of what images differ by. After {step} "
        f"steps two views of one image lie {now.alignment:.2f} apart (squared). The uniformity of the images "
        f"is {now.uniformity:.2f}; one point has 0, eight points at equal distances have {evenest():.2f}. "
        f"{_told(now)}",
        {
            "alignment": now.alignment, "uniformity": now.uniformity, "spread": now.spread,
            "weaker direction's share": now.second, "uniformity at equal distances": evenest(),
        },
    )  # fmt: skip


def _told(now: Seen) -> str:
    from atlas_cli.systems.contrastive.simclr import COLLAPSED

    if now.spread < COLLAPSED:
        return f"The spread is {now.spread:.2f}: all images are one, a collapse."
    if now.second < FLAT:
        return f"The spread is {now.spread:.2f}, and yet all lie on one line: a collapse of dimensions."
    return f"The spread is {now.spread:.2f}."


def _circle(now: Seen) -> Sketch:
    turns = [2 * math.pi * k / 72 for k in range(73)]
    first, second = now.views.tolist()
    shapes = (
        Shape("", [[(math.cos(t), math.sin(t)) for t in turns]], "line", None),
        Shape("of one image", [list(pair) for pair in zip(first, second, strict=True)], "line", 2),
        Shape("first views", [first], "dots", 0),
        Shape("second views", [second], "dots", 1),
    )
    return Sketch("Features of eight images, on a circle", shapes, (-1.2, 1.2, -1.2, 1.2), axes=False)


EXPLORABLE = Explorable(
    "alignment-uniformity", "contrastive", ("simclr",), "Agree, and yet stay apart",
    "Where do the images end if nothing keeps them apart, and does it matter how much views differ?",
    (
        Knob("step", "steps", STEPS, 100, "play"),
        Knob("cure", "kept apart by", tuple(CURES), "strangers", "choice"),
        Knob("noise", "views differ by", NOISE, 0.5, "slider"),
    ),
    alignment_uniformity,
    place=15,
)  # fmt: skip
