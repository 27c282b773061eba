"""Several tokens in one call of the target."""

from __future__ import annotations

from typing import Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake


def inputs(draw: Draw) -> tuple[Any, ...]:
    """A target and a draft that look at the last token only and agree often; ten tokens to write."""
    import torch

    table = draw.normal(6, 6)
    near = table + 0.5 * draw.normal(6, 6)

    def target(tokens: Any) -> Any:
        return table[tokens]

    def draft(tokens: Any) -> Any:
        return near[tokens]

    return target, draft, torch.tensor([[draw.number % 6, 2]]), 10, draw.pick((3, 4, 1))


def counting(guess_greedily: Function) -> tuple[Any, Any]:
    """The target counts on, the draft repeats: 0, then 1 2 3 4, with every guess refused."""
    import torch

    def target(tokens: Any) -> Any:
        return torch.nn.functional.one_hot((tokens + 1) % 8, 8).float()

    def draft(tokens: Any) -> Any:
        return torch.nn.functional.one_hot(tokens, 8).float()

    return guess_greedily(target, draft, torch.tensor([[0]]), 4, 2).flatten(), torch.arange(5)


EXERCISE = Exercise(
    topic="speculative",
    name="greedy",
    title="several tokens a call, greedily",
    task="""
        The draft has written `guessed`, of which the first `known` tokens are certain. Ask the target once
        about all of it, keep the guesses up to the first that is not the target's own most likely token,
        and add the target's own token after them. Leave the longer text in `text`.
        """,
    equation=r"n = \max\{\, j : \mathrm{guess}_i = \arg\max p_i \;\; \mathrm{for\ all}\ i \leq j \,\}",
    hints=(
        "The logits at a position say what comes next. What the target says of the first guess stands one "
        "position before it.",
        "`target(guessed)[:, known - 1 :].argmax(-1)` is the target's own token at the place of each guess, "
        "and one after the last. Compare, and count up to the first difference.",
        "`agreed = (own[0, :-1] == guessed[0, known:]).long().cumprod(0).sum()`, then append `own[:, : "
        "agreed + 1]`: the guesses that stayed are the target's own tokens.",
    ),
    mistakes=(
        Mistake(
            ".cumprod(0)",
            "",
            "you counted all that agree: after the first that does not, the guesses belong to another text",
        ),
        Mistake(
            "target(guessed)",
            "draft(guessed)",
            "you let the draft judge its own guesses: the target must, and its text comes out whatever the "
            "draft is",
        ),
        Mistake(
            "own[:, : agreed + 1]], dim=1)",
            "own[:, :agreed], own[:, -1:]], dim=1)",
            "you added what the target says after all of the guesses: the ones that fell are no part of the "
            "text, its own token is the one after those that stayed",
        ),
    ),
    inputs=inputs,
    by_hand=(counting,),
    place=20,
)
