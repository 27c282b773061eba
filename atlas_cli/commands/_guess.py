"""`atlas train --guess`: what somebody expects of the idea, asked before the run, and told after it."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, NamedTuple

from rich.text import Text

from atlas_cli.errors import UsageError
from atlas_cli.recipe.model import AGAINST_ABLATION, base_metric
from atlas_cli.screen import messages
from atlas_cli.screen.flags import flags
from atlas_cli.screen.lines import indent, wrap
from atlas_cli.screen.terminal import show, text_width

if TYPE_CHECKING:
    from atlas_cli.commands._training import Place, Wish
    from atlas_cli.engine.trainer import Outcome
    from atlas_cli.recipe.model import Recipe

_MARGIN = 2


class Guess(NamedTuple):
    """A figure as it is expected to come out, with the idea and without it."""

    metric: str
    own: float
    without: float


def require(recipe: Recipe, place: Place, wish: Wish) -> str:
    """The metric that is guessed: one that the claims compare with the run without the idea.

    Raises:
        UsageError: nobody watches, or there is nothing to guess.
    """
    if wish.json or flags.quiet or flags.jsonl:
        raise UsageError("--guess asks at the keyboard, and this output is for a program", "leave it out")
    if place.ablate is False:
        raise UsageError("--guess is about the run without the idea", "leave out --no-ablate")
    claimed = [metric for metric, bar in recipe.expect.items() if not bar.speed]
    comparing = [metric for metric in claimed if metric.endswith(AGAINST_ABLATION)]
    if not comparing:
        topic = recipe.name.partition("/")[0]
        raise UsageError(
            f"{recipe.name} compares nothing with the run without its idea",
            f"choose a recipe: atlas recipe ls {topic}",
        )
    return comparing[0]


def ask(recipe: Recipe, metric: str) -> Guess | None:
    """Two numbers from the keyboard; None where the reader would rather see."""
    from atlas_cli.present.glossary import clause

    base = base_metric(metric)
    changes = ", ".join(f"{field}={value}" for field, value in recipe.ablate.items())
    meant = recipe.expect[metric].means if base == metric else ""
    means = meant or clause(base) or recipe.expect[metric].claim
    told = f"{base}: {means}. The idea is taken away by {changes}."
    show(
        indent(
            [Text(), Text("Guess first", "atlas.head"), *wrap(Text(told), text_width() - _MARGIN)], _MARGIN
        )
    )
    own = _number(f"{base} with the idea")
    without = None if own is None else _number(f"{base} without it")
    if own is None or without is None:
        messages.say("  no guess: see what comes out")
        return None
    return Guess(base, own, without)


def tell(guess: Guess, recipe: Recipe, outcome: Outcome) -> None:
    """Keep the guess and show it beside what was measured, with how many guesses saw which way it goes."""
    from atlas_cli.learner import guesses, progress
    from atlas_cli.present.verdicts import number

    own, without = outcome.figures.get(guess.metric), (outcome.ablated or {}).get(guess.metric)
    if outcome.run is None or own is None or without is None or not math.isfinite(own + without):
        return
    right = _way(guess.own, guess.without) == _way(own, without)
    progress.record(
        "guessed", recipe.system, f"{recipe.name} {guess.metric}", right=right,
        guess=[guess.own, guess.without], measured=[own, without],
    )  # fmt: skip
    seen, made = guesses.score(progress.load())
    told = (
        f"{guess.metric}: you guessed {guess.own:g} with the idea and {guess.without:g} without; "
        f"measured were {number(own)} and {number(without)}. "
        + ("You saw which way it goes." if right else "It goes the other way.")
        + (f" {seen} of {made} guesses right." if made > 1 else "")
    )
    show([*indent(wrap(Text(told), text_width() - _MARGIN), _MARGIN), Text()])


def _way(own: float, without: float) -> int:
    return (own > without) - (own < without)


def _number(of: str) -> float | None:
    """A number that is typed, or a share in percent; None where the reader passes or the pipe ends."""
    from atlas_cli.learner import guesses

    while True:
        if sys.stdin.isatty():
            print(f"  {of} > ", end="", file=sys.stderr, flush=True)
        line = sys.stdin.readline()
        word = line.strip().lower()
        if not line or word in ("", "q", "quit"):
            return None
        value = guesses.number(word)
        if value is not None:
            return value
        messages.say(f"  {word!r} is no number; an empty line passes")
