"""Quizzes: content/<family>/quiz.yaml.

questions:
  - topic: ddpm
    kind: predict              # predict, diagnose or choose
    ask: What happens if ...?
    choices:
      - {say: One answer., why: Why it is wrong.}
      - {say: Another., why: Why it is right., right: true}

Choices are shown in an order drawn from the question itself: the place in the file gives nothing away, and a
letter means the same in the terminal, in JSON and on the web.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from atlas_cli import catalog
from atlas_cli.catalog import Family, Topic
from atlas_cli.errors import DataError, UsageError

KINDS = ("predict", "diagnose", "choose")
LETTERS = "abcdef"
_SEED = 1303  # one under which no letter is right much more often than another, in any quiz


class Choice(NamedTuple):
    """One answer, and why it is right or wrong."""

    say: str
    why: str
    right: bool


class Question(NamedTuple):
    """A question with one right answer; texts are Markdown, choices stand as they are shown."""

    topic: str
    kind: str
    ask: str
    choices: tuple[Choice, ...]

    @property
    def answer(self) -> int:
        """The place of the right choice."""
        return next(i for i, choice in enumerate(self.choices) if choice.right)


class Quiz(NamedTuple):
    """The questions of a family, or those on one of its topics."""

    family: Family
    questions: tuple[Question, ...]


def exists(family: Family) -> bool:
    """Whether a family has a quiz."""
    return _path(family).is_file()


def families() -> tuple[Family, ...]:
    """The families that have a quiz."""
    return tuple(family for family in catalog.families() if exists(family))


def load(family: Family) -> Quiz:
    """The quiz of a family.

    Raises:
        UsageError: it has none yet.
        DataError: the file lacks something, or a question has not exactly one right answer.
    """
    path = _path(family)
    if not path.is_file():
        written = [entry.slug for entry in families()]
        raise UsageError(
            f"the quiz on {family.slug} is not written yet; there are: {', '.join(written)}",
            f"atlas quiz {written[0]}" if written else f"atlas explain {family.slug}",
        )
    try:
        raw = yaml.load(path.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        return Quiz(family, tuple(_question(entry) for entry in raw["questions"]))
    except (yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path}: {error!r}", "reinstall atlas, or restore the file") from error


def find(name: str) -> Quiz:
    """The quiz that a name means: a family's, or the questions on one topic of it.

    Raises:
        UsageError: nothing goes by that name, or there is no question on it yet.
    """
    try:
        return load(catalog.resolve_family(name, "quiz"))
    except UsageError:
        subject = catalog.resolve_any(name, "quiz")
        if isinstance(subject, Family):
            raise
    return _on_topic(subject)


def _on_topic(topic: Topic) -> Quiz:
    whole = load(catalog.family_of(topic))
    chosen = tuple(question for question in whole.questions if question.topic == topic.slug)
    if not chosen:
        raise UsageError(f"there is no question on {topic.slug} yet", f"atlas quiz {whole.family.slug}")
    return Quiz(whole.family, chosen)


def as_dict(quiz: Quiz, answers: bool) -> dict[str, Any]:
    """The quiz for scripts and classrooms; what is right, and why, only with `answers`."""
    return {
        "family": quiz.family.slug,
        "title": quiz.family.title,
        "questions": [
            {
                "number": number,
                "topic": question.topic,
                "kind": question.kind,
                "ask": question.ask,
                "choices": [
                    {"letter": letter, "say": choice.say}
                    | ({"right": choice.right, "why": choice.why} if answers else {})
                    for letter, choice in zip(LETTERS, question.choices, strict=False)
                ],
            }
            for number, question in enumerate(quiz.questions, start=1)
        ],
    }


def _path(family: Family) -> Path:
    return family.path / "quiz.yaml"


def _question(raw: dict[str, Any]) -> Question:
    choices = tuple(
        Choice(entry["say"], entry["why"], bool(entry.get("right", False))) for entry in raw["choices"]
    )
    if sum(choice.right for choice in choices) != 1 or not 2 <= len(choices) <= len(LETTERS):
        raise ValueError(f"not one right answer among two to six: {raw['ask']}")
    if raw["kind"] not in KINDS:
        raise ValueError(f"a question is of the kind {' or '.join(KINDS)}, not {raw['kind']}")
    return Question(raw["topic"], raw["kind"], raw["ask"], _shuffled(raw["ask"], choices))


def _shuffled(ask: str, choices: tuple[Choice, ...]) -> tuple[Choice, ...]:
    """The choices in an order that depends on the texts alone, not on the file or the machine."""
    return tuple(
        sorted(choices, key=lambda choice: sha256(f"{_SEED}\n{ask}\n{choice.say}".encode()).digest())
    )
