"""The softmax over a batch, by which a view is asked for its partner: what temperature and batch make of it.

Source:  Chen et al. 2020, arXiv:2002.05709, eq. 1. The loss is the system's own function.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from atlas_cli.diagrams.frames import Bars, Curves, Explorable, Frame, Heatmap, Knob, Series

if TYPE_CHECKING:
    from torch import Tensor

TEMPERATURES = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
BATCHES = (4, 8, 16, 32, 64)  # images; twice as many views
APART = (0, 15, 30, 45, 60, 75)  # degrees between the two views of an image
DIMENSIONS = 8
SHOWN = 8  # images whose views stand in the matrix and the bars, at most


@cache
def features(batch: int, apart: int) -> Tensor:
    """Unit features of both views, (2 batch, DIMENSIONS): images at random, second views so far turned."""
    import torch
    from torch.nn import functional as F

    random = torch.Generator().manual_seed(3)
    image, other = (
        torch.randn(BATCHES[-1], DIMENSIONS, generator=random, dtype=torch.float64)[:batch] for _ in range(2)
    )
    first = F.normalize(image, dim=1)
    aside = F.normalize(other - (other * first).sum(1, keepdim=True) * first, dim=1)  # at right angles
    angle = torch.tensor(torch.pi * apart / 180, dtype=torch.float64)
    return torch.cat([first, angle.cos() * first + angle.sin() * aside])


@cache
def shares(batch: int, apart: int, temperature: float) -> Tensor:
    """Softmax of every view over all others, (2 batch, 2 batch)."""
    z = features(batch, apart)
    return (z @ z.T / temperature).fill_diagonal_(float("-inf")).softmax(1)


@cache
def loss(batch: int, apart: int, temperature: float) -> tuple[float, float]:
    """The loss in nats, and the share of views whose nearest is their partner."""
    from atlas_cli.systems.contrastive.simclr import info_nce, partner_found

    z = features(batch, apart)
    return float(info_nce(z, temperature)), float(partner_found(z))


def infonce(temperature: float, batch: int, apart: int) -> Frame:
    """The softmax of a few views, the first view's row, and the loss over temperatures."""
    import math

    share, n = shares(batch, apart, temperature), min(batch, SHOWN)
    seen = [*range(n), *range(batch, batch + n)]
    names = (*(f"{i + 1}a" for i in range(n)), *(f"{i + 1}b" for i in range(n)))
    row = share[0]
    partner, strangers = float(row[batch]), row.clone()
    strangers[batch] = 0.0
    hardest = float(strangers.max() / strangers.sum())
    nats, found = loss(batch, apart, temperature)
    chance = math.log(2 * batch - 1)
    curve = Series("this batch", TEMPERATURES, tuple(loss(batch, apart, t)[0] for t in TEMPERATURES))
    level = Series("all features the same", TEMPERATURES, (chance,) * len(TEMPERATURES), "dashed")
    of = "" if n == batch else f", {n} of {batch} images"
    panels = (
        (
            Heatmap(f"Whom each view takes for its partner{of}", share[seen][:, seen], 0.0, 1.0,
                    "candidate", "view", names, names),
            Bars(f"View 1a asks: who is my partner?{of}", names[1:], row[seen[1:]], 1.0),
        ),
        (
            Curves("Loss in nats", (curve, level), "temperature", "nats", log_x=True, marker=temperature,
                   drag="temperature"),
        ),
    )  # fmt: skip
    return Frame(
        panels,
        f"At temperature {temperature:g}, view 1a gives its partner 1b a probability of {partner:.3f}, among "
        f"{2 * batch - 1} candidates. Of the push away from strangers, the nearest gets {hardest:.0%}. "
        f"The loss is {nats:.3f} nats; features that are all the same would cost {chance:.3f}.",
        {
            "loss, nats": nats, "of equal features, nats": chance, "partner's probability": partner,
            "nearest stranger's share": hardest, "nearest is the partner": found,
        },
    )  # fmt: skip


EXPLORABLE = Explorable(
    "infonce", "contrastive", ("simclr",), "Find the partner among all others",
    "Which setting makes the nearest stranger bear nearly all of the push?",
    (
        Knob("temperature", "temperature", TEMPERATURES, 0.2, "slider"),
        Knob("batch", "images in the batch", BATCHES, 8, "slider"),
        Knob("apart", "views of an image apart", APART, 45, "slider", "°"),
    ),
    infonce,
    place=10,
)  # fmt: skip
