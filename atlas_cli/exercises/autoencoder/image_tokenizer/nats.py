"""How surprising a picture is, by the chain rule."""

from __future__ import annotations

from typing import Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake


def inputs(draw: Draw) -> tuple[Any, ...]:
    """Logits of three pictures of five tokens, of four that there are, and the tokens."""
    return draw.normal(3, 5, 4), draw.integers(0, 4, 3, 5)


def alike(nats: Function) -> tuple[Any, Any]:
    """Two places, four tokens, all alike: 1/4 · 1/4 = 1/16, whatever the logits have in common."""
    import torch

    return nats(torch.full((1, 2, 4), 3.0), torch.tensor([[0, 2]])), torch.tensor([16.0]).log()


def one_is_sure(nats: Function) -> tuple[Any, Any]:
    """At the first place 1/4 for the token, at the second 1: the picture has 1/4."""
    import torch

    logits = torch.tensor([[[3.0, 1.0], [1.0, 0.0]]]).log()
    return nats(logits, torch.tensor([[1, 0]])), torch.tensor([4.0]).log()


EXERCISE = Exercise(
    topic="image-tokenizer",
    name="nats",
    title="the surprise at a picture",
    task="""
        Return -ln P of each picture of a batch, in nats. `logits` holds the logits of every token at every
        place, given those before it; `tokens` says which token stands there.

        One number for each picture: its tokens all have to be there, so their probabilities multiply.
        """,
    equation=r"-\ln P(s) = -\sum_{i=1}^{L} \ln P(s_i \mid s_1 \ldots s_{i-1})",
    hints=(
        "Logits are no log-probabilities yet: `log_softmax` over the last dimension makes them so.",
        "`gather(-1, tokens[..., None])` takes the one of the token that stands at each place.",
        "Probabilities multiply, so their logarithms add: sum over the places, and turn the sign.",
    ),
    mistakes=(
        Mistake(
            "logits.float().log_softmax(-1)",
            "logits.float()",
            "you took logits for log-probabilities: over all tokens they do not add up to one",
        ),
        Mistake(
            "logits.float().log_softmax(-1)",
            "logits.float().log_softmax(1)",
            "you normalised over the places: at each place the tokens compete, not the places",
        ),
        Mistake(
            "own.sum(1)",
            "own.mean(1)",
            "you took the mean over the places: a picture is as unlikely as all of its tokens together",
        ),
    ),
    inputs=inputs,
    by_hand=(alike, one_is_sure),
    place=10,
)
