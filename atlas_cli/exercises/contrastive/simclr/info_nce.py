"""The loss of SimCLR: find your partner among all other views."""

from __future__ import annotations

from typing import Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake


def inputs(draw: Draw) -> tuple[Any, ...]:
    """Six views of three images, and a temperature."""
    return draw.normal(6, 4), draw.pick((0.5, 0.1, 1.0))


def two_images(info_nce: Function) -> tuple[Any, Any]:
    """Partners coincide, strangers are at right angles, tau = 1/2: -log e²/(e² + 2) = 0.23954."""
    import torch

    z = torch.tensor([[1.0, 0.0], [0.0, 2.0], [3.0, 0.0], [0.0, 1.0]])
    return info_nce(z, 0.5), torch.tensor(0.2395447)


EXERCISE = Exercise(
    topic="simclr",
    name="info_nce",
    title="find the partner among all other views",
    task="""
        `z` has a row for every view: the first views of all images, then their second ones in the same order.
        Return the loss in nats, a mean over the views: the cross-entropy of a softmax over the cosines to all
        other views, each divided by the temperature. The right answer of a view is the other view of its
        image, and no view is a candidate for itself.
        """,
    equation=r"-\frac{1}{N} \sum_i \log \frac{\exp(\cos(z_i, z_{j(i)}) / \tau)}"
    r"{\sum_{k \ne i} \exp(\cos(z_i, z_k) / \tau)}",
    hints=(
        "`F.normalize(z, dim=1)` gives all rows the length one; the product with its transpose then holds "
        "all cosines.",
        "A candidate with a similarity of minus infinity has a probability of zero: "
        "`similarity.fill_diagonal_(-math.inf)`.",
        "The partner of row i is row i + N/2, and from the end on again from the beginning: "
        "`(torch.arange(n) + n // 2) % n`. `F.cross_entropy` does the rest.",
    ),
    mistakes=(
        Mistake(
            "    z = F.normalize(z, dim=1)\n",
            "",
            "you took inner products in place of cosines: a view could then win by being long",
        ),
        Mistake(
            "z @ z.T / temperature",
            "z @ z.T * temperature",
            "you multiplied by the temperature: a low one should make the softmax sharp",
        ),
        Mistake(
            "(torch.arange(n, device=z.device) + n // 2) % n",
            "torch.arange(n, device=z.device) ^ 1",
            "you took the neighbouring row for the partner: the second views stand N/2 rows further on",
        ),
    ),
    inputs=inputs,
    by_hand=(two_images,),
    place=10,
)
