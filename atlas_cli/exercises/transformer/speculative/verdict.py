"""Which guesses stay."""

from __future__ import annotations

from typing import Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake


def inputs(draw: Draw) -> tuple[Any, ...]:
    """Six guesses of a draft that is not far off, its distributions and the target's."""
    import torch

    logits = draw.normal(7, 5)
    p, q = logits.softmax(-1), (logits[:6] + draw.normal(6, 5)).softmax(-1)
    guesses = torch.multinomial(q, 1, generator=draw.generator).squeeze(1)
    return guesses, q, p, draw.generator


def a_perfect_draft(verdict: Function) -> tuple[Any, Any]:
    """Draft and target agree on everything: all three guesses stay, and one more token comes."""
    import torch

    guesses, p = torch.tensor([1, 0, 1]), torch.full((4, 2), 0.5)
    kept = verdict(guesses, p[:3], p, torch.Generator().manual_seed(0))
    return torch.cat([kept[:3], torch.tensor([len(kept)])]), torch.tensor([1, 0, 1, 4])


def an_impossible_guess(verdict: Function) -> tuple[Any, Any]:
    """The draft guesses 0, which the target never says: it falls, and the target says 1."""
    import torch

    p = torch.tensor([[0.0, 1.0], [0.5, 0.5]])
    kept = verdict(torch.tensor([0]), torch.tensor([[0.5, 0.5]]), p, torch.Generator().manual_seed(0))
    return kept, torch.tensor([1])


EXERCISE = Exercise(
    topic="speculative",
    name="verdict",
    title="which guesses stay",
    task="""
        Guess i was drawn from q[i]; the target would have drawn from p[i]. Decide by the tosses in
        `tossed`, one uniform number a guess, which of them stay: up to the first that falls. There draw a
        token from what p has more than q, with `choose(distribution[None], generator)`; if all stay, draw
        one from the last row of p. Return the guesses that stay, and that token.
        """,
    equation=r"P(\mathrm{stays}) = \min\left(1, \frac{p(x)}{q(x)}\right) \qquad"
    r" x' \sim \frac{\max(0,\, p - q)}{\sum \max(0,\, p - q)}",
    hints=(
        "A guess that the target likes at least as much as the draft always stays. toss < p / q says so "
        "without a division: toss · q < p.",
        "A guess after one that fell was written for another text: count the ones that stay up to the first "
        "zero. `cumprod` does that.",
        "`n = int(stays.long().cumprod(0).sum())`; for n < len(guesses) draw from `(p[n] - "
        "q[n]).clamp(min=0)`, over its sum; else from `p[n : n + 1]`.",
    ),
    mistakes=(
        Mistake(
            "tossed * q[rows, guesses] < p[rows, guesses]",
            "tossed * p[rows, guesses] < q[rows, guesses]",
            "you turned the ratio around: a guess stays with probability min(1, p / q), what the target "
            "thinks of it over what the draft did",
        ),
        Mistake(
            "(p[n] - q[n]).clamp(min=0)",
            "p[n]",
            "where a guess falls you drew from p: tokens that the draft likes have had their chance "
            "already, and together they come too often. Draw from max(0, p - q)",
        ),
        Mistake(
            "stays.long().cumprod(0).sum()",
            "stays.long().sum()",
            "you counted all that stay: a guess after one that fell was made for another text, and falls "
            "with it",
        ),
    ),
    inputs=inputs,
    by_hand=(a_perfect_draft, an_impossible_guess),
    place=10,
)
