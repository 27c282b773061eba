"""What the discriminator descends."""

from __future__ import annotations

from typing import Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake


def inputs(draw: Draw) -> tuple[Any, ...]:
    """Logits of five real and of five made samples."""
    return 2 * draw.normal(5), 2 * draw.normal(5)


def undecided(loss: Function) -> tuple[Any, Any]:
    """Logits of 0: D says 1/2 of everything, and pays 2 ln 2 = 1.386."""
    import torch

    return loss(torch.zeros(4), torch.zeros(4)).item(), 1.386294


EXERCISE = Exercise(
    topic="gan",
    name="discriminator_loss",
    title="what the discriminator descends",
    task="""
        The discriminator gives logits, D = sigmoid(logit). Return its loss over a batch of real and a batch
        of made samples: eq. 1 of the paper negated, since optimizers descend. A logit of -200 must not give
        infinity or NaN.
        """,
    equation=r"-\mathrm{E}[\log D(x)] - \mathrm{E}[\log(1 - D(G(z)))]",
    hints=(
        "log of a sigmoid of a large negative logit is log 0. There is a function for both in one.",
        "`F.logsigmoid(logit)` is log D. And 1 - sigmoid(a) is the sigmoid of something simple.",
        "1 - sigmoid(a) = sigmoid(-a), so log(1 - D) is `F.logsigmoid(-fake_logit)`; take the mean of each, "
        "and minus both.",
    ),
    mistakes=(
        Mistake(
            "F.logsigmoid(-fake_logit)",
            "F.logsigmoid(fake_logit)",
            "you rewarded calling fakes real: of a made sample it is log(1 - D), the logsigmoid of minus "
            "the logit",
        ),
        Mistake(
            "-F.logsigmoid(real_logit).mean() - F.logsigmoid(-fake_logit).mean()",
            "F.logsigmoid(real_logit).mean() + F.logsigmoid(-fake_logit).mean()",
            "you returned what the paper ascends: an optimizer descends, so the loss is minus that",
        ),
        Mistake(
            "-F.logsigmoid(real_logit).mean() - F.logsigmoid(-fake_logit).mean()",
            "(-F.logsigmoid(real_logit).mean() - F.logsigmoid(-fake_logit).mean()) / 2",
            "you averaged the two terms, as a cross-entropy over both batches does: eq. 1 adds them, 2 ln 2 "
            "where D cannot tell",
        ),
    ),
    inputs=inputs,
    by_hand=(undecided,),
    source="systems.gan.games",
    place=10,
    trains="gan/ci",
)
