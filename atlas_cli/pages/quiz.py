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

from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from atlas_cli import catalog, shelf
from atlas_cli.catalog import Family, Topic
from atlas_cli.errors import DataError, UsageError

KINDS = ("predict", "diagnose", "choose")
LETTERS = "abcdef"
_ID = 10  # hexadecimal digits of a question's name
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

    @property
    def id(self) -> str:
        """By which an answer is remembered; a question that is asked in other words is another one."""
        return sha256(self.ask.encode()).hexdigest()[:_ID]


class Entry(NamedTuple):
    """A question without its texts."""

    topic: str
    kind: str
    id: str


class Quiz(NamedTuple):
    """The questions of a family, or some of them; of those that are due, of any family."""

    family: Family | None
    questions: tuple[Question, ...]

    @property
    def slug(self) -> str | None:
        return self.family.slug if self.family else None


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
    import yaml  # here: an index that lies on the shelf does without it

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
    """The quiz that a name means: a family's, or of a topic its questions; where both go by it, the topic's.

    Raises:
        UsageError: nothing goes by that name, or there is no question on it yet.
    """
    subject = catalog.resolve_any(name, "quiz")
    return load(subject) if isinstance(subject, Family) else _on_topic(subject)


def only(quiz: Quiz, kind: str) -> Quiz:
    """Its questions of one kind.

    Raises:
        UsageError: there is none.
    """
    chosen = tuple(question for question in quiz.questions if question.kind == kind)
    if not chosen:
        kinds = ", ".join(sorted({question.kind for question in quiz.questions}))
        raise UsageError(f"none of these questions is of the kind {kind}", f"choose one of: {kinds}")
    return quiz._replace(questions=chosen)


def named(entries: Iterable[tuple[str, str]]) -> Quiz:
    """The questions of these topics and names, in that order; those that are gone are left out.

    Args:
        entries: The topic of each, by its slug, and its name.
    """
    found: dict[tuple[str, str], Question] = {}
    families = {topic.slug: catalog.family_of(topic) for topic in catalog.topics()}
    wanted = [entry for entry in entries if entry[0] in families]
    for family in {families[topic] for topic, _ in wanted}:
        if exists(family):
            found |= {(question.topic, question.id): question for question in load(family).questions}
    return Quiz(None, tuple(found[entry] for entry in wanted if entry in found))


def index(family_slug: str) -> tuple[Entry, ...]:
    """The questions of a family without their texts, kept from start to start: the file is long to parse."""
    family = next(family for family in catalog.families() if family.slug == family_slug)
    if not exists(family):
        return ()
    slot, mark = f"questions of {family_slug}", shelf.mark_of([_path(family)])
    known = shelf.get(slot, mark)
    if known is None:
        known = [[question.topic, question.kind, question.id] for question in load(family).questions]
        shelf.put(slot, mark, known)
    return tuple(Entry(*entry) for entry in known)


def _on_topic(topic: Topic) -> Quiz:
    family = catalog.family_of(topic)
    chosen = tuple(question for question in load(family).questions if question.topic == topic.slug)
    if not chosen:
        raise UsageError(f"there is no question on {topic.slug} yet", f"atlas quiz {family.slug}")
    return Quiz(family, chosen)


def as_dict(quiz: Quiz, answers: bool) -> dict[str, Any]:
    """The quiz for scripts and classrooms; what is right, and why, only with `answers`."""
    return {
        "family": quiz.slug,
        "title": quiz.family.title if quiz.family else "What is due",
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
