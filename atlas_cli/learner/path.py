"""The way through the map: what builds on what decides the order, and what was done decides the next step.

The path to a goal holds all that its topics build on, each before what builds on it. Topics whose chapter is
not written yet have no steps and are named as to come.
"""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from atlas_cli import catalog
from atlas_cli.catalog import Topic
from atlas_cli.learner import guesses
from atlas_cli.learner.goals import Goal
from atlas_cli.learner.progress import Progress
from atlas_cli.pages import guess, quiz
from atlas_cli.pages.quiz import Entry

if TYPE_CHECKING:
    from atlas_cli.deeds import Kind

SKIPPED: Kind = "skipped"  # the kind of deed of a step that was left out; `what` is the step
MILESTONES = (
    "read",
    "answered",
    "coded",
    "trained",
    "met",
)  # what progress is told in, apart from each other


class Step(NamedTuple):
    """One thing to do on a topic: a command that the learner can type.

    Attributes:
        name: read, guess, turn, answer, code, train or look.
        about: What it comes to, in a few words.
    """

    name: str
    command: str
    about: str
    done: bool
    skipped: bool = False

    @property
    def is_open(self) -> bool:
        """Whether it waits to be done."""
        return not (self.done or self.skipped)


class Path(NamedTuple):
    """The topics of a goal in the order in which they are met, unfinished ones among them."""

    goal: Goal
    topics: tuple[Topic, ...]

    @property
    def finished(self) -> tuple[Topic, ...]:
        """Those whose chapter is written."""
        return tuple(topic for topic in self.topics if is_finished(topic))

    @property
    def to_come(self) -> tuple[Topic, ...]:
        """Those whose chapter is not."""
        return tuple(topic for topic in self.topics if not is_finished(topic))


def path_to(goal: Goal) -> Path:
    """The topics of a goal, and all that they build on before them."""
    every = {topic.slug: topic for topic in catalog.topics()}
    ordered: dict[str, Topic] = {}

    def meet(topic: Topic, above: frozenset[str] = frozenset()) -> None:
        for slug in topic.builds_on:
            if slug in every and slug not in above:  # a circle is broken where it was entered
                meet(every[slug], above | {topic.slug})
        ordered.setdefault(topic.slug, topic)

    for topic in goal.topics:
        meet(topic)
    return Path(goal, tuple(ordered.values()))


@cache
def is_finished(topic: Topic) -> bool:
    """Whether its chapter is written: its text has a section."""
    return "\n## " in topic.path.read_text(encoding="utf-8")


def next_step(path: Path, progress: Progress) -> tuple[Topic, Step] | None:
    """What to do next, and on which topic; None where all is done.

    The topic touched last goes on as long as it has open steps, then the first of the path that has.
    """
    touched = {deed.topic: deed.last for deed in sorted(progress.deeds, key=lambda deed: deed.last)}
    for topic in sorted(path.finished, key=lambda topic: -touched.get(topic.slug, 0.0)):
        for step in _steps(topic, progress):  # made one by one: most are not needed
            if step.is_open:
                return topic, step
    return None


def steps_of(topic: Topic, progress: Progress) -> tuple[Step, ...]:
    """The steps of a finished topic: those for which it has something."""
    return tuple(_steps(topic, progress))


def _steps(topic: Topic, progress: Progress) -> Iterator[Step]:
    left_out = {deed.what for deed in progress.of(topic.slug, SKIPPED)}
    if "train" in left_out and not progress.has("trained", topic.slug):
        left_out.add("look")  # there is nothing to look at
    return (step._replace(skipped=step.name in left_out) for step in _all_steps(topic, progress))


def _all_steps(topic: Topic, progress: Progress) -> Iterator[Step]:
    slug = topic.slug
    yield Step("read", f"atlas explain {slug}", "the chapter", progress.has("read", slug, ""))
    if asked := guess.id_of(topic):
        yield _guessed(slug, asked, progress)
    if drawn := _drawn(topic):
        yield Step("turn", drawn, "its diagram", progress.has("turned", slug))
    if questions := entries_on(topic):
        answered = {deed.what for deed in progress.of(slug, "answered")}
        yield _known(_asked(f"atlas quiz {slug}", questions, answered), questions, progress)
    if exercises := exercises_of(topic):
        yield _written(slug, exercises, {deed.what for deed in progress.of(slug, "coded")})
    if catalog.recipes_of(topic):
        yield Step("train", f"atlas train {slug}", _told(topic, progress), progress.has("trained", slug))
        yield Step(
            "look", f"atlas sample {_run(topic, progress)}", "what it learned", progress.has("looked", slug)
        )


def _guessed(slug: str, name: str, progress: Progress) -> Step:
    """The step of the guess; once it was made, whether it was right."""
    made = guesses.made(progress, slug, name)
    about = "what do you expect?"
    if made is not None:
        about = "it was right" if made.facts.get("right") is True else "it came out otherwise"
    return Step("guess", f"atlas guess {slug}", about, made is not None)


def _asked(command: str, questions: list[Entry], answered: set[str]) -> Step:
    n_done = sum(entry.id in answered for entry in questions)
    about = f"{len(questions)} question{'s' if len(questions) > 1 else ''}"
    if 0 < n_done < len(questions):
        about = f"{n_done} of {about} answered"
    return Step("answer", command, about, n_done == len(questions))


def _known(step: Step, questions: list[Entry], progress: Progress) -> Step:
    """The step of the answers: open again while a question that was missed waits to be asked again."""
    if not step.done:
        return step
    ids = {entry.id for entry in questions}
    missed = [deed for deed in progress.missed(time.time()) if deed.what in ids]
    if missed:
        about = f"{len(missed)} that {'was' if len(missed) == 1 else 'were'} missed"
        return step._replace(command="atlas quiz", about=about, done=False)
    topics = {entry.topic for entry in questions}
    answers = [deed for topic in topics for deed in progress.of(topic, "answered") if deed.what in ids]
    right = sum(deed.facts.get("right") is True for deed in answers)
    return step._replace(about=f"{right} of {step.about} right")


def entries_on(topic: Topic) -> list[Entry]:
    """The questions on a topic, without their texts."""
    return [entry for entry in quiz.index(topic.family) if entry.topic == topic.slug]


def milestones(topic: Topic, progress: Progress) -> dict[str, bool]:
    """Which of the milestones a topic has, and whether each was reached."""
    slug = topic.slug
    reached = {"read": progress.has("read", slug, "")}
    if questions := entries_on(topic):
        answered = {deed.what for deed in progress.of(slug, "answered")}
        reached["answered"] = all(entry.id in answered for entry in questions)
    if exercises := exercises_of(topic):
        reached["coded"] = {deed.what for deed in progress.of(slug, "coded")}.issuperset(exercises)
    if catalog.recipes_of(topic):
        reached |= {"trained": progress.has("trained", slug), "met": progress.has("met", slug)}
    return reached


def _written(slug: str, exercises: list[str], solved: set[str]) -> Step:
    """The step of writing code: the first exercise that is not solved yet."""
    left = [name for name in exercises if name not in solved]
    about = f"{len(exercises)} exercise{'s' if len(exercises) > 1 else ''}"
    if 0 < len(left) < len(exercises):
        about = f"{len(exercises) - len(left)} of {about} solved"
    return Step("code", f"atlas exercise start {slug}/{(left or exercises)[0]}", about, not left)


def exercises_of(topic: Topic) -> list[str]:
    """The names of a topic's exercises in reading order."""
    from atlas_cli.exercises import find

    return [exercise.name for exercise in find.of(topic)]


def _drawn(topic: Topic) -> str | None:
    """The command that opens a diagram with knobs, or draws one with steps; None where there is none."""
    from atlas_cli.diagrams import gallery
    from atlas_cli.diagrams.model import Diagram

    shown = gallery.diagrams_of(topic)
    own = sorted(
        shown, key=lambda diagram: diagram.topics[0] != topic.slug
    )  # then what it shares with others
    turned = next((f"{diagram.name} -i" for diagram in own if not isinstance(diagram, Diagram)), None)
    if turned is None and not shown:
        return None
    return f"atlas diagram {topic.slug} {turned or own[0].name}"


def _told(topic: Topic, progress: Progress) -> str:
    """How long the training takes; once it was trained, whether its claims were met."""
    slug = topic.slug
    if progress.has("trained", slug):
        return "its claims were met" if progress.has("met", slug) else "trained, claims not met yet"
    seconds = _seconds(topic, progress)
    return f"about {max(1, round(seconds / 60))} min on a laptop" if seconds else "its claims are judged"


def _seconds(topic: Topic, progress: Progress) -> float:
    """Of its small recipe and of what that builds on and was not trained yet; 0 where it was not measured."""
    from atlas_cli.recipe import times

    name = f"{topic.slug}/small"
    if "small" not in catalog.recipes_of(topic):
        return 0.0
    parents = times.parents_seconds(name)
    new = (
        cost for parent, cost in parents.items() if not progress.has("trained", parent.split("/")[0], parent)
    )
    return (times.seconds(name) or 0.0) + sum(cost or 0.0 for cost in new)


def _run(topic: Topic, progress: Progress) -> str:
    """How a trained run is named here: by its topic, or in another folder by where it lies."""
    trained = progress.of(topic.slug, "trained")
    if catalog.runs_of(topic) or not trained:
        return topic.slug
    run = max(trained, key=lambda deed: deed.last).facts.get("run")
    return shlex.quote(_from_here(str(run))) if run else topic.slug


def _from_here(run: str) -> str:
    """A folder below the working folder goes by its way from there."""
    return run.removeprefix(f"{os.getcwd()}{os.sep}")
