"""The parts of a notebook that ask: exercises with a cell that judges, a quiz with hidden answers, words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from atlas_cli import catalog
from atlas_cli.notebook.cells import Cells
from atlas_cli.notebook.prose import changed, plain
from atlas_cli.pages import guess as guesses
from atlas_cli.pages import quiz as quizzes
from atlas_cli.pages.glossary import Marker
from atlas_cli.pages.html import REFERENCES
from atlas_cli.pages.quiz import LETTERS, Question

if TYPE_CHECKING:
    from atlas_cli.catalog import Topic
    from atlas_cli.exercises.model import Exercise
    from atlas_cli.pages.source import Page

_ENDLESS = 100_000  # columns: a paragraph stays one line


def exercises(cells: Cells, topic: Topic) -> None:
    """Each exercise of the topic: the task, a function with a hole in it, and a cell that judges it."""
    from atlas_cli.exercises import find
    from atlas_cli.exercises.cut import cut

    found = find.of(topic)
    for number, exercise in enumerate(found):
        cells.part(exercise.name)
        cells.text(("## Write it yourself\n\n" if number == 0 else "") + _task(exercise))
        part = cut(exercise)
        cells.code(part.filled(part.hole))
        cells.code(f'api.check("{exercise.full_name}", {part.function})')


def _task(exercise: Exercise) -> str:
    from atlas_cli.exercises.cut import wrapped

    hints = "\n".join(f"{i}. {_line(hint)}" for i, hint in enumerate(exercise.hints, start=1))
    task = plain(wrapped(exercise.task, _ENDLESS))
    return (
        f"### `{exercise.name}`: {exercise.title}\n\n$${exercise.equation}$$\n\n{task}\n\n"
        f"{_folded('Hints', hints)}\n\n"
        f"The project's own lines: `atlas exercise solution {exercise.full_name}`."
    )


def guess(topic: Topic) -> str:
    """The question that the page asks before it tells what was measured, its answer folded; "": none."""
    found = guesses.of(topic)
    if found is None:
        return ""
    rows = "\n".join(
        f"- **{letter}** {_line(choice.say)}"
        for letter, choice in zip(guesses.LETTERS, found.choices, strict=False)
    )
    right = f"**{found.letter}** is right. " if found.letter else ""
    answer = _folded("Measured", f"{right}{plain(found.told)}")
    return "\n\n".join(filter(None, [f"**Guess first.** {plain(found.ask)}", rows, answer]))


def quiz(cells: Cells, topic: Topic) -> None:
    """The questions on a topic, where its family has a quiz."""
    family = catalog.family_of(topic)
    every = quizzes.load(family).questions if quizzes.exists(family) else ()
    asked = [question for question in every if question.topic == topic.slug]
    if not asked:
        return
    cells.part("Quiz")
    cells.text("## Quiz\n\nDecide before you open an answer.")
    for number, question in enumerate(asked, start=1):
        cells.text(_question(question, number))


def _question(question: Question, number: int) -> str:
    choices = "\n".join(
        f"- **{letter}** {_line(choice.say)}"
        for letter, choice in zip(LETTERS, question.choices, strict=False)
    )
    answers = "\n".join(
        f"- **{letter}**{' is right.' if choice.right else ''} {_line(choice.why)}"
        for letter, choice in zip(LETTERS, question.choices, strict=False)
    )
    return f"**{number}.** {plain(question.ask.strip())}\n\n{choices}\n\n{_folded('Answer', answers)}"


def words(cells: Cells, page: Page) -> None:
    """The words of the glossary that the page uses, each with its explanation."""
    marker = Marker(page.subject, lambda term, text: text)
    for text in (page.opening, *(s.markdown for s in page.sections if s.title != REFERENCES)):
        changed(text, marker)
    used = sorted(marker.used, key=lambda term: term.word.casefold())
    if used:
        cells.part("Words")
        listed = "\n".join(f"- **{term.word}**: {plain(term.says)}" for term in used)
        cells.text(f"## Words\n\n{_folded('The words of the trade on this page', listed)}")


def _line(text: str) -> str:
    return plain(" ".join(text.split()))


def _folded(title: str, markdown: str) -> str:
    """What a reader opens when it is wanted; the blank lines make Jupyter read it as Markdown."""
    return f"<details><summary>{title}</summary>\n\n{markdown}\n\n</details>"
