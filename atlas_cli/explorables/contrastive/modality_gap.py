"""Six pictures and six captions on a sphere, and how far apart the loss wants the two kinds.

Source:  Liang et al. 2022, arXiv:2203.02053, section 4.3 (six simulated pairs, some mismatched).
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

from atlas_cli.diagrams.frames import Curves, Explorable, Frame, Group, Knob, Scatter, Series

if TYPE_CHECKING:
    from torch import Tensor

PAIRS = 6
ANGLES = tuple(range(0, 121, 5))  # degrees from the pictures' latitude to the captions'
TEMPERATURES = (1.0, 0.3, 0.1, 0.03, 0.01)
WRONG = (0, 1, 2, 3)  # pairs of neighbours whose captions are confused


def sphere(angle: float, wrong: int) -> tuple[Tensor, Tensor]:
    """Pictures and captions on two parallels, (6, 3) each; a caption lies on the meridian of its picture."""
    import torch

    turn = torch.arange(PAIRS, dtype=torch.float64) * (2 * math.pi / PAIRS)
    half = math.radians(angle) / 2
    ring = torch.stack([turn.cos(), turn.sin()], 1)
    image, text = (
        torch.cat(
            [math.cos(half) * ring, torch.full((PAIRS, 1), side * math.sin(half), dtype=torch.float64)], 1
        )
        for side in (1, -1)
    )
    order = list(range(PAIRS))
    for k in range(wrong):
        order[2 * k], order[2 * k + 1] = order[2 * k + 1], order[2 * k]
    return image, text[order]


@cache
def loss_at(angle: float, temperature: float, wrong: int) -> float:
    """The loss of clip for six pairs so far apart."""
    import torch

    from atlas_cli.systems.contrastive.clip import clip_loss

    return float(clip_loss(*sphere(angle, wrong), torch.tensor(1 / temperature, dtype=torch.float64)))


def modality_gap(angle: int, temperature: float, wrong: int) -> Frame:
    """The pairs from the side, and the loss of every distance."""
    losses = tuple(loss_at(a, temperature, wrong) for a in ANGLES)
    best = ANGLES[losses.index(min(losses))]
    image, text = sphere(angle, wrong)
    gap = float((image.mean(0) - text.mean(0)).norm())
    groups = tuple(
        Group(name, points[:, [0, 2]]) for name, points in (("pictures", image), ("captions", text))
    )
    panels = (
        (
            Scatter("The sphere from the side", groups, (-1.1, 1.1, -1.1, 1.1)),
            Curves("Loss by distance", (Series("loss", ANGLES, losses),), "degrees apart", "nats",
                   marker=angle, drag="angle"),
        ),
    )  # fmt: skip
    return Frame(
        panels,
        f"At {angle} degrees the means of pictures and captions are {gap:.2f} apart, and the loss is "
        f"{loss_at(angle, temperature, wrong):.3g}. At a temperature of {temperature:g}, with "
        f"{2 * wrong} of six captions at the wrong picture, it is least at {best} degrees.",
        {"gap": gap, "loss": loss_at(angle, temperature, wrong), "least at": f"{best} degrees"},
    )


EXPLORABLE = Explorable(
    "modality-gap", "contrastive", ("clip",), "Why two kinds stay apart",
    "With two captions at the wrong pictures, which temperatures close the gap and which open it?",
    (
        Knob("angle", "degrees apart", ANGLES, 60, "slider"),
        Knob("temperature", "temperature", TEMPERATURES, 0.1, "slider"),
        Knob("wrong", "pairs of captions confused", WRONG, 1, "slider"),
    ),
    modality_gap,
    place=35,
)  # fmt: skip
