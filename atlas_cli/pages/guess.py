"""The guess that a page asks for before it says what was measured, out of the page's front matter:

guess:
  ask: Of the digits drawn in one step, how many can be read?
  figure: small.without.class_accuracy   # or: quotient small.a gan/small.b; or: gap small.a small.b
  choices:                               # right is the one whose bounds hold the figure
    - {say: Hardly any, below: 0.2}
    - {say: Nearly all, from: 0.2}
  told: Measured were {{ figure small.without.class_accuracy }}.

`within: 0.1` in place of `choices` asks for a number, which may be so far from the figure; `least:` or
`most:` in place of both are choices with a `figure:` each. No answer is written down: what is right follows
from what the recipe measured, as the pages' own figures do.
"""

from __future__ import annotations

import math
import re
from hashlib import sha256
from typing import Any, NamedTuple

from atlas_cli import catalog
from atlas_cli.catalog import Family, Topic
from atlas_cli.errors import DataError
from atlas_cli.pages import directives

LETTERS = "abcdef"
_ID = 10  # hexadecimal digits of a guess's name


class Choice(NamedTuple):
    """One answer to choose; right where the figure says so."""

    say: str
    right: bool


class Guess(NamedTuple):
    """A question about a figure that was measured; texts are Markdown.

    Attributes:
        topic: The slug of the page's topic.
        told: What is said once a guess was made, its figures in place.
        choices: Empty where a number is asked for.
        figure: What was measured; of choices with a figure each, that of the right one. None: nothing yet.
        within: How far from the figure a number may be.
    """

    topic: str
    ask: str
    told: str
    choices: tuple[Choice, ...] = ()
    figure: float | None = None
    within: float | None = None

    @property
    def id(self) -> str:
        """By which a guess is remembered; a question in other words is another one."""
        return _id(self.ask)

    @property
    def answer(self) -> int | None:
        """The place of the right choice; None where a number is asked for, or nothing is measured."""
        return next((i for i, choice in enumerate(self.choices) if choice.right), None)

    @property
    def letter(self) -> str:
        """That of the right choice; "" where there is none."""
        return LETTERS[self.answer] if self.answer is not None else ""

    def is_right(self, given: int | float) -> bool:
        """Whether a guess is right: the place of a choice, or a number."""
        if self.choices:
            return given == self.answer
        assert self.figure is not None
        assert self.within is not None
        return abs(given - self.figure) <= self.within + 1e-12  # a bound that was typed is no binary number


def id_of(topic: Topic) -> str | None:
    """The name of a page's guess, without a look at what was measured; None where the page asks for none."""
    raw = _raw(topic)
    return _id(raw["ask"]) if raw else None


def of(subject: Topic | Family) -> Guess | None:
    """The guess of a page; None where it asks for none.

    Raises:
        DataError: the page's front matter lacks something of it.
    """
    raw = _raw(subject) if isinstance(subject, Topic) else None
    if raw is None:
        return None
    try:
        return _guess(subject.slug, raw)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{subject.path}, guess: {error!r}", "reinstall atlas, or restore the page"
        ) from error


def asked() -> list[Topic]:
    """The topics whose pages ask for a guess, in reading order."""
    return [topic for topic in catalog.topics() if _raw(topic)]


def markdown(guess: Guess) -> str:
    """The question with its answer, for a page that leaves the atlas: on paper nobody can ask."""
    rows = [f"- {letter}: {choice.say}" for letter, choice in zip(LETTERS, guess.choices, strict=False)]
    listed = "\n".join(rows) + "\n\n" if rows else ""
    head = f"Measured: {guess.letter}" if guess.letter else "Measured"
    return f"**Guess first.** {guess.ask}\n\n{listed}**{head}.** {guess.told}"


def fill(text: str, subject: Topic | Family) -> str:
    """Replace the guess in a page's Markdown by its question and its answer."""

    def written(match: re.Match[str]) -> str:
        guess = of(subject)
        return markdown(guess) if guess else ""

    return directives.GUESS.sub(written, text)


def texts(guess: Guess) -> list[str]:
    """The pieces in which it is rendered."""
    return [guess.ask, guess.told, *(choice.say for choice in guess.choices)]


def _raw(topic: Topic) -> dict[str, Any] | None:
    facts, _ = catalog.split_front_matter(topic.path.read_text(encoding="utf-8"), topic.path)
    raw: dict[str, Any] | None = facts.get("guess")
    return raw


def _id(ask: str) -> str:
    return sha256(_line(ask).encode()).hexdigest()[:_ID]


def _line(text: str) -> str:
    return " ".join(text.split())


def _guess(topic: str, raw: dict[str, Any]) -> Guess:
    asks = [key for key in ("choices", "within", "least", "most") if key in raw]
    if len(asks) != 1:
        raise ValueError(f"one of choices, within, least and most, not {', '.join(asks) or 'none'}")
    (kind,) = asks
    ask = _line(raw["ask"])
    said = directives.fill_figures(_line(raw["told"]), catalog.resolve(topic))
    if kind in ("least", "most"):
        return _of_many(Guess(topic, ask, said), raw[kind], kind)
    figure = directives.reckoned(raw["figure"], topic)
    if kind == "within":
        return Guess(topic, ask, said, figure=figure, within=float(raw["within"]))
    choices = tuple(_bounded(entry, figure) for entry in raw["choices"])
    _require_one(choices, figure)
    return Guess(topic, ask, said, choices, figure)


def _of_many(guess: Guess, entries: list[dict[str, Any]], kind: str) -> Guess:
    figures = [directives.reckoned(entry["figure"], guess.topic) for entry in entries]
    known = [figure for figure in figures if figure is not None]
    whole = len(known) == len(figures)
    best = (min if kind == "least" else max)(known) if whole else None
    choices = tuple(
        Choice(str(entry["say"]), figure is not None and figure == best)
        for entry, figure in zip(entries, figures, strict=True)
    )
    _require_one(choices, best)
    return guess._replace(choices=choices, figure=best)


def _bounded(entry: dict[str, Any], figure: float | None) -> Choice:
    low, high = entry.get("from", -math.inf), entry.get("below", math.inf)
    return Choice(str(entry["say"]), figure is not None and low <= figure < high)


def _require_one(choices: tuple[Choice, ...], figure: float | None) -> None:
    n_right = sum(choice.right for choice in choices)
    if n_right != (figure is not None) or not 2 <= len(choices) <= len(LETTERS):
        raise ValueError(f"{n_right} of {len(choices)} choices are right for {figure}")
