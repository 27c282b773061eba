"""A lab that fits the minutes: pieces are taken in, the most important first, as long as they fit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from atlas_cli import catalog
from atlas_cli.catalog import Family, Topic
from atlas_cli.classroom.pieces import A_HAND_IN, Piece, Training, essentials, extras
from atlas_cli.errors import UsageError
from atlas_cli.learner.path import is_finished

_ORDER = ("read", "guess", "turn", "train", "code", "answer", "look")  # within a topic
_LEAST = ("read", "answer")  # of the first topic: without these there is no lab
_SPARE = 0.1  # of the minutes, for what nobody can plan
_MEANWHILE = ("code", "answer")  # what is done while a training computes

Key = tuple[str, str, str]  # topic, kind, name


class Timed(NamedTuple):
    """A piece in its place.

    Attributes:
        at: Minutes after the beginning.
        minutes: Until the next one.
        waits: Minutes of these in which the training computes and nothing else is to be done.
    """

    piece: Piece
    at: int
    minutes: int
    waits: int = 0


class Plan(NamedTuple):
    """A lab, step by step."""

    subject: Family | Topic
    minutes: int  # that were given
    steps: tuple[Timed, ...]
    left_out: tuple[Piece, ...]  # of the topics that are in it

    @property
    def takes(self) -> int:
        """Minutes, the handing in included."""
        return sum(step.minutes for step in self.steps) + A_HAND_IN

    @property
    def fits(self) -> bool:
        """Whether it takes no longer than was given."""
        return self.takes <= self.minutes

    @property
    def topics(self) -> tuple[Topic, ...]:
        """Those that are in it, in order."""
        return tuple(dict.fromkeys(step.piece.topic for step in self.steps))

    @property
    def trainings(self) -> tuple[Training, ...]:
        """In the order in which they are started."""
        return tuple(step.piece.training for step in self.steps if step.piece.training is not None)


def plan(subject: Family | Topic, minutes: int) -> Plan:
    """The lab on a topic, or on as many topics of a family as fit.

    Raises:
        UsageError: no chapter of it is written yet.
    """
    every = (subject,) if isinstance(subject, Topic) else subject.topics
    topics = [topic for topic in every if is_finished(topic)]
    if not topics:
        written = [family.slug for family in catalog.families() if any(map(is_finished, family.topics))]
        raise UsageError(f"no chapter on {subject.slug} is written yet", f"there are: {', '.join(written)}")
    chosen: dict[Key, Piece] = {}
    for topic in topics:
        for piece in essentials(topic):
            _take(chosen, piece, minutes, least=topic == topics[0] and piece.kind in _LEAST)
        if _key(topic, "read") not in chosen:
            break
    within = [topic for topic in topics if _key(topic, "read") in chosen]
    for topic in within:
        for piece in extras(topic):
            _take(chosen, piece, minutes)
    every_piece = [piece for topic in within for piece in (*essentials(topic), *extras(topic))]
    left = [p for p in every_piece if _name(p) not in chosen or chosen[_name(p)].minutes < p.minutes]
    return Plan(subject, minutes, tuple(_timed(chosen.values())), tuple(left))


def _take(chosen: dict[Key, Piece], piece: Piece, minutes: int, least: bool = False) -> None:
    """Take a piece in, or in the place of its short form, where it fits or there is no lab without it."""
    needs = {"look": "train", "read": ""}.get(piece.kind, "read")
    if needs and _key(piece.topic, needs) not in chosen:
        return
    wanted = {**chosen, _name(piece): piece}
    takes = sum(step.minutes for step in _timed(wanted.values())) + A_HAND_IN
    if takes <= minutes * (1 - _SPARE) or (least and _name(piece) not in chosen):
        chosen[_name(piece)] = piece


def _key(topic: Topic, kind: str) -> Key:
    return topic.slug, kind, ""


def _name(piece: Piece) -> Key:
    return piece.topic.slug, piece.kind, piece.name


def _timed(pieces: Iterable[Piece]) -> list[Timed]:
    """In order, topic by topic; a training computes while the next things are done."""
    by_topic: dict[Topic, list[Piece]] = {}
    for piece in pieces:
        by_topic.setdefault(piece.topic, []).append(piece)
    steps: list[Timed] = []
    at = 0
    for own in by_topic.values():
        ordered = sorted(own, key=lambda piece: _ORDER.index(piece.kind))  # stable: exercises in their order
        for piece in ordered:
            waits = _waits(piece, ordered)
            minutes = 1 + waits if piece.training is not None else piece.minutes
            steps.append(Timed(piece, at, minutes, waits))
            at += minutes
    return steps


def _waits(piece: Piece, ordered: Sequence[Piece]) -> int:
    """Minutes that a training computes on, once all is done that can be done meanwhile."""
    if piece.training is None:
        return 0
    busy = sum(other.minutes for other in ordered if other.kind in _MEANWHILE)
    return max(0, piece.minutes - 1 - busy)


def says(plan: Plan) -> list[str]:
    """What a teacher is told first: how long it takes, what is trained, what there is no time for."""
    lines = [f"It takes {plan.takes} of the {plan.minutes} minutes; the others are for questions."]
    if not plan.fits:
        lines = [
            f"This does not fit: the least that makes a lab takes {plan.takes} minutes, "
            f"and {plan.minutes} were given."
        ]
    trained = [f"{training.recipe.name} ({training.told})" for training in plan.trainings]
    left = [piece.training for piece in plan.left_out if piece.training is not None]
    if trained:
        lines.append(f"It trains {', '.join(trained)}.")
    if left:
        names = [f"{training.recipe.name} ({training.told})" for training in left]
        lines.append(f"There is no time to train {' or '.join(names)}.")
    if not trained and not left:
        lines.append("Nothing is trained: there is no recipe whose time was measured.")
    return lines


def prepared(trainings: Sequence[Training]) -> dict[str, float | None]:
    """What has to be trained before the lab, and how long each takes; the lab's own trainings aside."""
    own: set[str] = set()
    before: dict[str, float | None] = {}
    for training in trainings:
        before |= {name: s for name, s in training.parents.items() if name not in own}
        own.add(training.recipe.name)
    return before
