"""What somebody guessed before it was measured or shown, and how often that was right."""

from __future__ import annotations

import math
from typing import NamedTuple

from atlas_cli.learner.progress import Deed, Progress


class Score(NamedTuple):
    """Of all guesses, those before a training (`train --guess`) among them."""

    right: int
    made: int


def score(progress: Progress) -> Score:
    """How many were made, and how many were right."""
    made = [deed for deed in progress.deeds if deed.kind == "guessed"]
    return Score(sum(deed.facts.get("right") is True for deed in made), len(made))


def made(progress: Progress, topic: str, name: str) -> Deed | None:
    """The guess of that name, if it was made: the first one counts, so that no answer is guessed twice."""
    return next((deed for deed in progress.of(topic, "guessed") if deed.what == name), None)


def number(word: str) -> float | None:
    """A number as it is typed, or a share in percent; None where it is none."""
    word = word.strip()
    try:
        value = float(word.removesuffix("%")) / (100 if word.endswith("%") else 1)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
