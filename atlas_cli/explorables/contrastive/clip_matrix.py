"""The matrix of a batch: every picture with every caption, and what the softmax of a row makes of it.

Source:  Radford et al. 2021, arXiv:2103.00020, figure 1 (1) and figure 3.
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

from atlas_cli.diagrams.frames import Curves, Explorable, Frame, Heatmap, Knob, Series
from atlas_cli.explorables.contrastive._matrix import vectors

if TYPE_CHECKING:
    from torch import Tensor

BATCHES = (2, 4, 8, 16, 32)
TEMPERATURES = (1.0, 0.5, 0.2, 0.1, 0.07, 0.03, 0.01)


@cache
def loss_at(batch: int, temperature: float, known: float) -> float:
    """The loss of the first pairs."""
    import torch

    from atlas_cli.systems.contrastive.clip import clip_loss

    image, text = (x[:batch] for x in vectors(known))
    return float(clip_loss(image, text, torch.tensor(1 / temperature, dtype=torch.float64)))


def shares(batch: int, temperature: float, known: float) -> Tensor:
    """Of each picture the softmax over captions, (N, N)."""
    image, text = (x[:batch] for x in vectors(known))
    return (image @ text.T / temperature).softmax(1)


def clip_matrix(batch: int, temperature: float, known: float) -> Frame:
    """Cosines, what the softmax makes of them, and the loss at every temperature."""
    image, text = (x[:batch] for x in vectors(known))
    found = shares(batch, temperature, known)
    loss, own = loss_at(batch, temperature, known), float(found.diagonal().mean())
    first = float((found.argmax(1) == _numbers(batch)).double().mean())
    losses = tuple(loss_at(batch, t, known) for t in TEMPERATURES)
    chance = (math.log(batch),) * len(TEMPERATURES)
    panels = (
        (
            Heatmap("Cosine of picture and caption", image @ text.T, -1.0, 1.0, "caption", "picture",
                    diverging=True),
            Heatmap("Softmax of each row", found, 0.0, 1.0, "caption", "picture"),
        ),
        (
            Curves(
                "Loss of this batch",
                (
                    Series("loss", TEMPERATURES, losses),
                    Series("knowing nothing", TEMPERATURES, chance, "dashed"),
                ),
                "temperature", "nats", log_x=True, marker=temperature, drag="temperature",
            ),
        ),
    )  # fmt: skip
    return Frame(
        panels,
        f"Among {batch} captions a picture gives its own a share of {own:.2g}, and {first:.0%} of the "
        f"pictures put their own first. The loss is {loss:.2f} nats; who knows nothing has log {batch} = "
        f"{math.log(batch):.2f}. A lower temperature makes shares sharper, the right and the wrong ones.",
        {"loss": loss, "share of the own caption": own, "own caption first": first},
    )


def _numbers(n: int) -> Tensor:
    import torch

    return torch.arange(n)


EXPLORABLE = Explorable(
    "clip-matrix", "contrastive", ("clip",), "A batch as a matrix",
    "The towers stay as they are and the batch grows: why does the loss rise, with nothing forgotten?",
    (
        Knob("batch", "pairs", BATCHES, 8, "slider"),
        Knob("temperature", "temperature", TEMPERATURES, 0.1, "slider"),
        Knob("known", "share of a vector that says what is there", (0.25, 0.75, 1.0), 0.75, "slider"),
    ),
    clip_matrix,
    place=30,
)  # fmt: skip
