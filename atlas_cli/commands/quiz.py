"""`atlas quiz`: one question at a time, the why after each answer, a score at the end."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from atlas_cli import catalog

if TYPE_CHECKING:
    from rich.text import Text

    from atlas_cli.pages.quiz import Choice, Question, Quiz

PANEL, PLACE = "Learn", 5  # in atlas --help

_MARGIN = 2


def quiz(
    family: Annotated[
        list[str], typer.Argument(help="Family, or one of its topics.", autocompletion=catalog.complete_name)
    ],
    json: Annotated[bool, typer.Option("--json", help="Print the questions as one JSON document.")] = False,
    answers: Annotated[
        bool, typer.Option("--answers", help="With --json: also what is right, and why.")
    ] = False,
) -> None:
    """Ask what you have understood, one question at a time.

    Example: [bold]atlas quiz diffusion[/bold]
    """
    from atlas_cli.errors import UsageError
    from atlas_cli.pages import quiz as quizzes

    found = quizzes.find(" ".join(family))
    if answers and not json:
        raise UsageError(
            "--answers goes with --json; the quiz itself tells after each question",
            f"atlas quiz {found.family.slug} --json --answers",
        )
    if json:
        from atlas_cli.screen.terminal import emit_json

        emit_json(quizzes.as_dict(found, answers))
        return
    _ask_all(found)


def _ask_all(quiz: Quiz) -> None:
    from rich.text import Text

    from atlas_cli.screen import messages
    from atlas_cli.screen.terminal import show

    answered = 0
    missed: list[str] = []  # topics, one a wrong answer
    for number, question in enumerate(quiz.questions, start=1):
        show(_asked(quiz, question, number))
        given = _answer(question)
        if given is None:
            break
        answered += 1
        missed += [] if question.choices[given].right else [question.topic]
        show(_told(question, given))
    show([Text(), Text(f"  {answered - len(missed)} of {answered} right", "atlas.head")])
    left = len(quiz.questions) - answered
    if left:
        messages.say(f"  {left} not answered")
    if missed:
        messages.next_command(f"atlas explain {max(missed, key=missed.count)}", "where most went wrong")
    else:
        messages.next_command(f"atlas explain {quiz.questions[0].topic}")


def _asked(quiz: Quiz, question: Question, number: int) -> list[Text]:
    from rich.text import Text

    from atlas_cli.pages.quiz import LETTERS
    from atlas_cli.screen.lines import hang, indent
    from atlas_cli.screen.terminal import text_width

    width = text_width() - _MARGIN
    place = Text(f"{number} of {len(quiz.questions)}  ·  {question.kind}  ·  {question.topic}", "atlas.muted")
    lines = [Text(), place, *_rendered(question.ask, width), Text()]
    for letter, choice in zip(LETTERS, question.choices, strict=False):
        lines += hang(Text(f"{letter}  ", "atlas.accent"), _rendered(choice.say, width - 3), 3)
    return indent(lines, _MARGIN)


def _told(question: Question, given: int) -> list[Text]:
    """Whether the answer is right, and why; where it is not, also why the right one is."""
    from rich.text import Text

    chosen = question.choices[given]
    if chosen.right:
        return [Text(), *_verdict(Text("Right.", "atlas.good"), chosen)]
    from atlas_cli.pages.quiz import LETTERS

    best = Text(f"It is {LETTERS[question.answer]}.", "atlas.good")
    return [
        Text(),
        *_verdict(Text("Not quite.", "atlas.bad"), chosen),
        *_verdict(best, question.choices[question.answer]),
    ]


def _verdict(mark: Text, choice: Choice) -> list[Text]:
    from atlas_cli.screen.lines import hang, indent
    from atlas_cli.screen.terminal import text_width

    column = len("Not quite. ")
    return indent(hang(mark, _rendered(choice.why, text_width() - _MARGIN - column), column), _MARGIN)


def _rendered(markdown: str, width: int) -> list[Text]:
    from atlas_cli.pages.text import Renderer

    return Renderer(width, lambda name, room: []).render(markdown)


def _answer(question: Question) -> int | None:
    """The place of the chosen answer; None where the reader stops or the pipe ends."""
    from atlas_cli.pages.quiz import LETTERS
    from atlas_cli.screen import messages

    letters = LETTERS[: len(question.choices)]
    while True:
        if sys.stdin.isatty():
            print(f"\n  {', '.join(letters)} or q > ", end="", file=sys.stderr, flush=True)
        line = sys.stdin.readline()
        word = line.strip().lower()
        if not line or word in ("q", "quit"):
            return None
        if word in letters and len(word) == 1:
            return letters.index(word)
        if word.isdigit() and 1 <= int(word) <= len(letters):
            return int(word) - 1
        if word:
            messages.say(f"  {word!r} is none of {', '.join(letters)}; q ends the quiz")
