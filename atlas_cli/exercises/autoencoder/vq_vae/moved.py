"""How a codebook learns without a gradient."""

from __future__ import annotations

from typing import Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake


def inputs(draw: Draw) -> tuple[Any, ...]:
    """Codes and their shares, and what a batch brought to each; one was chosen by none."""
    n = draw.uniform(0.1, 0.4, 4)
    n[2] = 0.0
    m = draw.normal(4, 3) * n[:, None]
    return draw.normal(4, 3), draw.uniform(0.1, 0.4, 4), n, m, draw.pick((0.5, 0.9, 0.99))


def half_way(moved: Function) -> tuple[Any, Any]:
    """A code at 2 with share ½ is chosen by all of the batch, whose mean is 6; g = ½: (½·½·2 + ½·6) / ¾."""
    import torch

    codes, share = moved(
        torch.tensor([[2.0]]), torch.tensor([0.5]), torch.tensor([1.0]), torch.tensor([[6.0]]), 0.5
    )
    return torch.cat([codes.flatten(), share]), torch.tensor([14 / 3, 0.75])


def unchosen(moved: Function) -> tuple[Any, Any]:
    """Nothing chooses the code: it stays at 2, and half of its share is gone."""
    import torch

    codes, share = moved(
        torch.tensor([[2.0]]), torch.tensor([0.5]), torch.tensor([0.0]), torch.tensor([[0.0]]), 0.5
    )
    return torch.cat([codes.flatten(), share]), torch.tensor([2.0, 0.25])


EXERCISE = Exercise(
    topic="vq-vae",
    name="moved",
    title="codes as running means",
    task="""
        Return the codes (K, D) and their shares (K,) after a step. A share keeps `decay` of what it was, and
        the rest is n, the share of the batch that chose the code. A code is a running sum over its running
        share; the sum keeps as much, and the rest is m, the batch's sum.

        A share may be 0: divide by no less than `NOTHING`, and let a code that nothing chose stay in place.
        """,
    equation=r"s' = g s + (1 - g) n \qquad e' = e + \frac{(1 - g)(m - n e)}{s'}",
    hints=(
        "First the shares: they are needed to divide by.",
        "What the code gains is (1 - g)(m - n e) over the new share; n is (K,) and must multiply (K, D).",
        "`codes + (1 - decay) * (m - n[:, None] * codes) / share.clamp(min=NOTHING)[:, None], share`",
    ),
    mistakes=(
        Mistake(
            "m - n[:, None] * codes",
            "m - codes",
            "you took the whole code from the sum: m is the sum of the n that chose it, so n codes are taken",
        ),
        Mistake(
            "share = decay * share + (1 - decay) * n",
            "share = (1 - decay) * share + decay * n",
            "you changed the two weights: the share keeps the decay of what it was",
        ),
        Mistake(
            "codes + gained / share.clamp(min=NOTHING)[:, None], share",
            "codes + gained, share",
            "you did not divide by the share: a code that few choose would hardly move to them",
        ),
    ),
    inputs=inputs,
    by_hand=(half_way, unchosen),
    place=20,
)
