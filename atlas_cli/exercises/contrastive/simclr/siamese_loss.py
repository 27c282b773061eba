"""SimSiam's loss, whose stop-gradient keeps all features from becoming the same."""

from __future__ import annotations

from typing import Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake


def inputs(draw: Draw) -> tuple[Any, ...]:
    """What the predictor says and what the views are, which need gradients; with the stop and without."""
    four = tuple(draw.normal(5, 3).requires_grad_() for _ in range(4))
    return (*four, draw.number % 2 == 0)


def at_right_angles(siamese_loss: Function) -> tuple[Any, Any]:
    """One view is told exactly and the other not at all: -(1 + 0) / 2. The targets get no gradient."""
    import torch

    right, up = torch.tensor([[2.0, 0.0]]), torch.tensor([[0.0, 3.0]])
    p1, p2 = right.clone().requires_grad_(), up.clone().requires_grad_()
    z1, z2 = (2 * right).requires_grad_(), right.clone().requires_grad_()
    loss = siamese_loss(p1, p2, z1, z2)
    slopes = torch.autograd.grad(loss, (z1, z2), allow_unused=True) if loss.requires_grad else (None, None)
    reached = [0.0 if slope is None else 1.0 for slope in slopes]
    return torch.stack([loss.detach(), *map(torch.tensor, reached)]), torch.tensor([-0.5, 0.0, 0.0])


EXERCISE = Exercise(
    topic="simclr",
    name="siamese_loss",
    title="make two views agree, and keep them from agreeing on nothing",
    task="""
        `z1` and `z2` are the two views of each image, `p1` and `p2` what the predictor makes of them. Return
        minus the mean cosine between what one view's predictor says and what the other view is, both ways,
        halved. Where `stop_gradient` is set, no gradient flows into `z1` and `z2`.
        """,
    equation=r"-\frac{1}{2} \left( \cos(p_1, \mathrm{stop}(z_2)) + \cos(p_2, \mathrm{stop}(z_1)) \right)",
    hints=(
        "Predictors look across: p1 is compared with z2, and p2 with z1.",
        "`z.detach()` is the same numbers with no way back for a gradient.",
        "`F.cosine_similarity(p1, z2, dim=1)` has one number an image.",
    ),
    mistakes=(
        Mistake(
            "z1, z2 = z1.detach(), z2.detach()",
            "p1, p2 = p1.detach(), p2.detach()",
            "you stopped the side that tells: the predictor would learn nothing; the target is held",
        ),
        Mistake(
            "F.cosine_similarity(p1, z2, dim=1)",
            "F.cosine_similarity(p1, z1, dim=1)",
            "you compared a view with itself: it should tell the other view",
        ),
        Mistake(
            "-(first + second)",
            "(first + second)",
            "you left out the minus: descending would drive the views apart",
        ),
    ),
    inputs=inputs,
    by_hand=(at_right_angles,),
    place=20,
)
