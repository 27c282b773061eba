"""What keeps all experts at work."""

from __future__ import annotations

from typing import Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake
from atlas_cli.exercises.transformer.moe._router import router, undecided


def inputs(draw: Draw) -> tuple[Any, ...]:
    """A router of one or two experts a token, and nine tokens."""
    return router(draw, draw.pick((1, 2))), draw.normal(9, 6)


def even(forward: Function) -> tuple[Any, Any]:
    """A router to whom all are the same: 4 · sum of f · 1/4 = 1, whoever is served."""
    import torch

    return forward(undecided(2), torch.ones(3, 6)).balance_loss.item(), 1.0


def one_for_all(forward: Function) -> tuple[Any, Any]:
    """One of four experts gets every token, and is sure of it: 4 · 1 · 1 = 4."""
    import torch

    sure = undecided(1)
    sure.weight.data[2] = 10.0
    return forward(sure, torch.ones(3, 6)).balance_loss.item(), 4.0


EXERCISE = Exercise(
    topic="moe",
    name="balance_loss",
    title="a loss that spreads the load",
    task="""
        `load`, (E,), is the share of all choices that falls on each expert, a count without a gradient.
        `probabilities`, (N, E), is what the router said of each token. Write `balance_loss`, as Switch
        does: 1 where all are used alike, E where one does everything.
        """,
    equation=r"E \sum_{e=1}^{E} f_e P_e \qquad P_e = \frac{1}{N} \sum_{n=1}^{N} p_{n,e}",
    hints=(
        "f is `load`. P is the mean over the tokens of what the router said: over which dimension?",
        "Counts cannot be differentiated. The gradient flows through P, weighted by how busy an expert is: "
        "the busy ones are made less likely.",
        "`self.n_experts * (load * probabilities.mean(0)).sum()`",
    ),
    mistakes=(
        Mistake(
            "self.n_experts * (load",
            "(load",
            "you left out the factor E: a router that is even would pay 1/E, and less the more experts "
            "there are",
        ),
        Mistake(
            "load * probabilities.mean(0)",
            "load * load",
            "you squared the load: it is a count and has no gradient, so the router would learn nothing. "
            "Multiply it with the mean probability",
        ),
        Mistake(
            "probabilities.mean(0)",
            "probabilities.sum(0)",
            "you summed over the tokens what the router said: P is its mean, or the loss grows with them",
        ),
    ),
    inputs=inputs,
    by_hand=(even, one_for_all),
    source="nets.moe",
    place=20,
)
