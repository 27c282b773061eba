"""What the generator descends."""

from __future__ import annotations

from typing import Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake


def inputs(draw: Draw) -> tuple[Any, ...]:
    """Logits of five made samples, for both losses."""
    return 2 * draw.normal(5), draw.pick(("non_saturating", "saturating"))


def slopes_where_it_loses(loss: Function) -> tuple[Any, Any]:
    """Where D is sure of a fake (logit -10), the slope of the saturating loss is 0, of the other -1."""
    import torch

    slopes = []
    for kind in ("saturating", "non_saturating"):
        logit = torch.tensor([-10.0], requires_grad=True)
        (slope,) = torch.autograd.grad(loss(logit, kind), logit)
        slopes.append(slope.item())
    return torch.tensor(slopes).round(decimals=3), torch.tensor([0.0, -1.0])


EXERCISE = Exercise(
    topic="gan",
    name="generator_loss",
    title="two losses of one wish",
    task="""
        Return the generator's loss from the discriminator's logits of its samples: "saturating" is what the
        min-max game says, the other kind is what section 3 of the paper trains with. Both fall as D(G(z))
        rises.
        """,
    equation=r"\mathrm{E}[\log(1 - D(G(z)))] \qquad -\mathrm{E}[\log D(G(z))]",
    hints=(
        "Both want D to believe the samples. They differ in the slope where it does not believe them at all.",
        "log D is `F.logsigmoid(logit)`, log(1 - D) is `F.logsigmoid(-logit)`. Which of the two is "
        "descended as it is?",
        "`F.logsigmoid(-fake_logit).mean()` for saturating, `-F.logsigmoid(fake_logit).mean()` for the "
        "other.",
    ),
    mistakes=(
        Mistake(
            "-F.logsigmoid(fake_logit).mean()",
            "F.logsigmoid(-fake_logit).mean()",
            "you gave both kinds the saturating loss: where D is sure of a fake its slope is zero, just "
            "when the generator has most to learn",
        ),
        Mistake(
            "-F.logsigmoid(fake_logit).mean()",
            "F.logsigmoid(fake_logit).mean()",
            "you made the non-saturating loss fall with D: descending it, the generator would learn to be "
            "found out",
        ),
        Mistake(
            'if kind == "saturating" else',
            'if kind != "saturating" else',
            "you exchanged the two kinds: the saturating one is log(1 - D)",
        ),
    ),
    inputs=inputs,
    by_hand=(slopes_where_it_loses,),
    source="systems.gan.games",
    place=20,
    trains="gan/ci",
)
