"""Who is pushed and how hard: the gradient of one picture's logits, by a softmax and by sigmoids.

Source:  Zhai et al. 2023, arXiv:2303.15343, sections 3.1 and 3.2.
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

from atlas_cli.diagrams.frames import Bars, Curves, Explorable, Frame, Knob, Series
from atlas_cli.explorables.contrastive._matrix import KNOWN, vectors

if TYPE_CHECKING:
    from torch import Tensor

BATCHES = (2, 4, 8, 16, 32, 64)
BIASES = tuple(-0.5 * k for k in range(25))
SCALE = 10.0  # one over the temperature at the start


def pulls(kind: str, batch: int, bias: float, known: float) -> Tensor:
    """How hard picture and caption are pulled together (above 0) or apart, (N, N), a picture a row."""
    import torch

    from atlas_cli.systems.contrastive.clip import clip_loss
    from atlas_cli.systems.contrastive.siglip import siglip_loss

    image, text = (x[:batch] for x in vectors(known))
    logits = (SCALE * image @ text.T).requires_grad_()
    one, zero = torch.ones((), dtype=torch.float64), torch.zeros((), dtype=torch.float64) + bias
    every = torch.eye(batch, dtype=torch.float64)  # logits @ every.T are the logits themselves
    loss = clip_loss(logits, every, one) if kind == "softmax" else siglip_loss(logits, every, one, zero)
    (slope,) = torch.autograd.grad(loss, logits)
    return -batch * slope


@cache
def balance(kind: str, batch: int, bias: float, known: float) -> tuple[float, float]:
    """Of the mean picture: the pull on its own caption, and the push on all others together."""
    found = pulls(kind, batch, bias, known)
    own = found.diagonal().mean()
    return float(own), float(-(found.sum() / batch - own))


def sigmoid_or_softmax(batch: int, bias: float, known: float) -> Frame:
    """Pull and push of both losses, and that of the sigmoid at every bias."""
    softmax, sigmoid = (balance(kind, batch, bias, known) for kind in ("softmax", "sigmoid"))
    at = [balance("sigmoid", batch, b, known) for b in BIASES]
    high = max(1.0, *(push for _, push in (softmax, sigmoid)))
    labels = ("softmax: own", "softmax: rest", "sigmoid: own", "sigmoid: rest")
    balanced = -math.log(batch - 1) if batch > 1 else 0.0
    series = (
        Series("pull on the own caption", BIASES, tuple(own for own, _ in at)),
        Series("push on all others", BIASES, tuple(push for _, push in at), "dashed"),
    )
    panels = (
        (Bars("Pull and push of the mean picture", labels, (*softmax, *sigmoid), high),),
        (Curves("Of the sigmoid, by its bias", series, "bias", "sum", marker=bias, drag="bias"),),
    )
    return Frame(
        panels,
        f"With {batch} pairs and a bias of {bias:g} the sigmoid pulls the own caption with {sigmoid[0]:.2g} "
        f"and pushes the others with {sigmoid[1]:.2g} in all; the softmax balances the two at "
        f"{softmax[0]:.2g}. Near a bias of -log {batch - 1} = {balanced:.2f} the sigmoid is balanced, too, "
        "if all cosines are 0.",
        {"sigmoid, own": sigmoid[0], "sigmoid, others": sigmoid[1], "softmax, own": softmax[0],
         "softmax, others": softmax[1]},
    )  # fmt: skip


EXPLORABLE = Explorable(
    "sigmoid-or-softmax", "contrastive", ("siglip",), "Pull and push",
    "At a bias of 0 the batch grows from 4 to 64: what would the first steps of training be spent on?",
    (
        Knob("batch", "pairs", BATCHES, 16, "slider"),
        Knob("bias", "bias", BIASES, -2.5, "slider"),
        Knob("known", "share of a vector that says what is there", KNOWN, 0.0, "slider"),
    ),
    sigmoid_or_softmax,
    place=40,
)  # fmt: skip
