"""What a lab may consist of, and how many minutes each piece takes: all of it is reckoned from the atlas."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import NamedTuple

from atlas_cli import catalog
from atlas_cli.catalog import Topic
from atlas_cli.exercises import find
from atlas_cli.learner.path import entries_on, steps_of
from atlas_cli.learner.progress import Progress
from atlas_cli.pages.source import Section, read_page
from atlas_cli.recipe import recipes, times
from atlas_cli.recipe.model import Recipe

WORDS_A_MINUTE = 150  # of a text with formulas
A_QUESTION, AN_EXERCISE, A_DIAGRAM, A_LOOK, A_HAND_IN = 1, 12, 5, 5, 4  # minutes
JUDGING = 1  # minute for figures and samples after a training
_SHORT = ("A first contact", "What it is")  # the sections of a first reading
_RECIPES = ("ci", "small")  # the quick one first
_NOT_READ = re.compile(r"(?ms)^(```|~~~).*?^\1|\{\{.*?\}\}|\$\$.*?\$\$")


class Training(NamedTuple):
    """A recipe that is trained in a lab.

    Attributes:
        seconds: As they were measured: the run's own training, and that of the run without the idea.
        parents: What it builds on, with the seconds that each trains, None where nobody measured.
    """

    recipe: Recipe
    seconds: float
    parents: dict[str, float | None]
    timed: bool  # as on a laptop; else the seconds are those of the machine that measured its figures

    @property
    def told(self) -> str:
        """How long it trains, and where that was measured."""
        if not self.seconds:
            return "nothing of its own"
        return f"{told(self.seconds)} on {'a laptop' if self.timed else 'the machine that measured it'}"

    @property
    def minutes(self) -> int:
        """From the start to the verdict, where what it builds on is there."""
        return math.ceil(self.seconds / 60) + JUDGING


class Piece(NamedTuple):
    """One thing that students do.

    Attributes:
        kind: read, guess, turn, train, code, answer, look or report.
        name: Tells it from others of its kind and topic; a later one of that name takes its place.
        minutes: In which students are busy; of a training those in which it computes.
    """

    topic: Topic
    kind: str
    name: str
    minutes: int
    commands: tuple[str, ...]
    says: str
    training: Training | None = None


def essentials(topic: Topic) -> Iterator[Piece]:
    """The pieces of a topic, what matters most first; the longer form of one comes after its short form."""
    readings, trainings = _readings(topic), _trainings(topic)
    commands = {step.name: step.command for step in steps_of(topic, Progress())}
    yield from readings[:1]
    yield from _questions(topic, commands)
    if trainings:
        yield trainings[0]
        yield _look(topic, trainings[0])
    yield from _exercises(topic)[:1]
    if "turn" in commands:
        says = "Turn every knob or step once. Say what will change before you do."
        yield Piece(topic, "turn", "", A_DIAGRAM, (commands["turn"],), says)
    yield from readings[1:]
    yield from trainings[1:]


def extras(topic: Topic) -> list[Piece]:
    """What is added where there is time still: the other exercises."""
    return _exercises(topic)[1:]


def _readings(topic: Topic) -> list[Piece]:
    page = read_page(topic)
    short = [section for section in page.sections if section.title in _SHORT]
    commands = tuple(f'atlas explain {topic.slug} --section "{section.title}"' for section in short)
    whole = Piece(
        topic, "read", "", _minutes(page.sections), (f"atlas explain {topic.slug}",),
        "Read the chapter. Stop at its example, and redo it on paper.",
    )  # fmt: skip
    if not short:
        return [whole]
    titles = " and ".join(f"“{section.title}”" for section in short)
    first = Piece(
        topic, "read", "", _minutes(short), commands,
        f"Read {titles}. Redo the example on paper." if _SHORT[0] in titles else f"Read {titles}.",
    )  # fmt: skip
    return [first, whole]


def _minutes(sections: tuple[Section, ...] | list[Section]) -> int:
    words = sum(len(_NOT_READ.sub(" ", section.markdown).split()) for section in sections)
    return max(1, math.ceil(words / WORDS_A_MINUTE))


def _questions(topic: Topic, commands: dict[str, str]) -> Iterator[Piece]:
    """The quiz, and the guess that the chapter asks for before it says what was measured."""
    if n := len(entries_on(topic)):
        says = f"Answer {_of(n, 'question')}; the why stands below each."
        yield Piece(topic, "answer", "", n * A_QUESTION, (commands["answer"],), says)
    if "guess" in commands:
        says = "Guess what the recipe measured, and see; nobody expects that you know."
        yield Piece(topic, "guess", "", A_QUESTION, (commands["guess"],), says)


def _of(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"


def _exercises(topic: Topic) -> list[Piece]:
    found = []
    for exercise in find.of(topic):
        name = exercise.full_name
        commands = (f"atlas exercise start {name}", f"atlas exercise check {name}")
        says = (
            f"“{exercise.title}”: write the lines in exercises/{name}.py. `atlas exercise hint {name}` helps."
        )
        found.append(Piece(topic, "code", exercise.name, AN_EXERCISE, commands, says))
    return found


def _trainings(topic: Topic) -> list[Piece]:
    """A quick training and a longer one, of which the times were measured."""
    found = []
    for name in _RECIPES:
        full = f"{topic.slug}/{name}"
        if name not in catalog.recipes_of(topic) or times.seconds(full) is None:
            continue
        recipe = recipes.resolve(full)
        timed = isinstance(recipe.measured.get("timed"), dict)
        again = recipe.compares and recipe.ablation_trains
        seconds = (times.seconds(full) or 0.0) * (2 if again else 1)
        training = Training(recipe, seconds, times.parents_seconds(full), timed)
        idea = ", first with the idea, then without it" if again else ""
        says = f"It trains {training.told}{idea}, and is judged by its claims."
        if not seconds:
            says = "It trains nothing of its own: what it builds on is sampled, and judged by its claims."
        command = f"atlas train {topic.slug} --recipe {name} --guess"
        found.append(Piece(topic, "train", "", training.minutes, (command,), says, training))
    return found


def _look(topic: Topic, trained: Piece) -> Piece:
    assert trained.training is not None
    commands = (f"atlas run show {topic.slug}", f"atlas sample {topic.slug}")
    says = "Which claims hold? Write down the claimed figures with the idea and without it."
    if not trained.training.recipe.expect:
        says = "Look at what it learned, and say what is still wrong with it."
    return Piece(topic, "look", "", A_LOOK, commands, says)


def told(seconds: float) -> str:
    """ "about 4 minutes", "12 seconds"."""
    if seconds < 90:
        return f"{round(seconds)} seconds"
    return f"about {round(seconds / 60)} minutes"
