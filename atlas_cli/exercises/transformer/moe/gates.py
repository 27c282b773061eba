"""Which experts a token gets, and how much each counts."""

from __future__ import annotations

from typing import Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake
from atlas_cli.exercises.transformer.moe._router import router, undecided


def inputs(draw: Draw) -> tuple[Any, ...]:
    """A router that chooses one, two or three experts, and nine tokens."""
    return router(draw, draw.pick((1, 2, 3))), draw.normal(9, 6)


def two_alike(forward: Function) -> tuple[Any, Any]:
    """Two of four experts that are all alike: each counts one half."""
    import torch

    return forward(undecided(2), torch.ones(1, 6)).gates.flatten(), torch.tensor([0.5, 0.5])


def one_alone(forward: Function) -> tuple[Any, Any]:
    """One of four experts that are all alike: it counts its probability, a quarter."""
    import torch

    return forward(undecided(1), torch.ones(1, 6)).gates.item(), 0.25


EXERCISE = Exercise(
    topic="moe",
    name="gates",
    title="whom to ask, and how much it counts",
    task="""
        From the logits, (N, E), make `probabilities`, the experts `chosen` for each token, (N, k), and
        their `gates`. `self.choose(probabilities)` picks the k best; it takes no gradient.

        The gates of two or more experts sum to one. A single expert keeps its probability.
        """,
    equation=r"p = \mathrm{softmax}(W x) \qquad g_e = \frac{p_e}{\sum_{j \in \mathrm{chosen}} p_j}",
    hints=(
        "Every token has its own softmax over the experts. The choice is made by numbers alone: detach them.",
        "`probabilities.gather(-1, chosen)` reads the probabilities of the chosen ones, and there the "
        "gradient flows.",
        "`gates / gates.sum(-1, keepdim=True)` if `self.top_k > 1`. Of one expert this would always be 1: "
        "nothing would be left for the router to learn from.",
    ),
    mistakes=(
        Mistake(
            "gates = gates / gates.sum(-1, keepdim=True)",
            "pass",
            "you left the gates as the softmax gives them: of k experts out of E they sum to less than one, "
            "and the layer's output shrinks",
        ),
        Mistake(
            "if self.top_k > 1:",
            "if True:",
            "with one expert your gate is always 1: then no gradient reaches the router, and it never learns",
        ),
        Mistake(
            "softmax(-1)",
            "softmax(0)",
            "your softmax runs over the tokens: each token must spread one over the experts, along the last "
            "dimension",
        ),
    ),
    inputs=inputs,
    by_hand=(two_alike, one_alone),
    source="nets.moe",
    place=10,
)
