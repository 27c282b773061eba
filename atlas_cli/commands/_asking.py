"""A quiz at the terminal: question, hints, verdict and why, and what is remembered of each answer."""

from __future__ import annotations

import sys
import time
from typing import NamedTuple

from rich.text import Text

from atlas_cli.learner import boxes, progress
from atlas_cli.pages.quiz import LETTERS, Choice, Question, Quiz
from atlas_cli.screen import messages
from atlas_cli.screen.lines import hang, indent
from atlas_cli.screen.terminal import show, text_width

_MARGIN = 2


class Given(NamedTuple):
    """An answer: the place of the choice, and how many hints came before it."""

    place: int
    hints: int


def ask_all(quiz: Quiz) -> None:
    """Ask every question, until the reader stops or the pipe ends; remember each answer at once."""
    answered = 0
    missed: list[str] = []  # topics, one a wrong answer
    for number, question in enumerate(quiz.questions, start=1):
        show(_asked(quiz, question, number))
        given = _answer(question)
        if given is None:
            break
        answered += 1
        right = question.choices[given.place].right
        missed += [] if right else [question.topic]
        _remember(question, right, given.hints)
        show(_told(question, given.place))
    show([Text(), Text(f"  {answered - len(missed)} of {answered} right", "atlas.head")])
    left = len(quiz.questions) - answered
    if left:
        messages.say(f"  {left} not answered")
    if missed:
        comes = "1 comes" if len(missed) == 1 else f"{len(missed)} come"
        messages.say(f"  {comes} back in ten minutes: atlas quiz")
        messages.next_command(f"atlas explain {max(missed, key=missed.count)}", "where most went wrong")
    elif answered:
        messages.next_command("atlas learn", "the next step of your path")
    else:
        messages.next_command(f"atlas explain {quiz.questions[0].topic}")


def tell_nothing_due() -> None:
    """Say that no question is due, and when the next one is."""
    waiting = [boxes.due_at(deed) for deed in progress.load().deeds if deed.kind == "answered"]
    if not waiting:
        messages.say("nothing was asked yet: questions come back here once you have answered them")
        messages.next_command("atlas quiz diffusion", "or any family or topic")
        return
    back = f"The next of {len(waiting)} comes back {when(min(waiting))}."
    show([Text(f"  No question is due. {back}")])
    messages.next_command("atlas learn", "the next step of your path")


def when(moment: float) -> str:
    """A moment to come in words: "in 9 minutes", "tomorrow", "in 3 days"."""
    now = time.time()
    here, there = time.localtime(now), time.localtime(moment)
    days = round((_midnight(there) - _midnight(here)) / 86_400)
    if days <= 0:
        minutes = max(1, round((moment - now) / 60))
        return f"in {minutes} minute{'s' if minutes > 1 else ''}"
    return "tomorrow" if days == 1 else f"in {days} days"


def _midnight(day: time.struct_time) -> float:
    return time.mktime((day.tm_year, day.tm_mon, day.tm_mday, 0, 0, 0, 0, 0, -1))


def _remember(question: Question, right: bool, hints: int) -> None:
    known = progress.load().of(question.topic, "answered")
    before = next((deed for deed in known if deed.what == question.id), None)
    progress.record(
        "answered", question.topic, question.id, right=right, hints=hints, kind=question.kind,
        box=boxes.moved(before, right, hints),
    )  # fmt: skip


def _asked(quiz: Quiz, question: Question, number: int) -> list[Text]:
    width = text_width() - _MARGIN
    place = Text(f"{number} of {len(quiz.questions)}  ·  {question.kind}  ·  {question.topic}", "atlas.muted")
    lines = [Text(), place, *_rendered(question.ask, width), Text()]
    for letter, choice in zip(LETTERS, question.choices, strict=False):
        lines += hang(Text(f"{letter}  ", "atlas.accent"), _rendered(choice.say, width - 3), 3)
    return indent(lines, _MARGIN)


def _told(question: Question, given: int) -> list[Text]:
    """Whether the answer is right, and why; where it is not, also why the right one is."""
    chosen = question.choices[given]
    if chosen.right:
        return [Text(), *_verdict(Text("Right.", "atlas.good"), chosen)]
    best = Text(f"It is {LETTERS[question.answer]}.", "atlas.good")
    return [
        Text(),
        *_verdict(Text("Not quite.", "atlas.bad"), chosen),
        *_verdict(best, question.choices[question.answer]),
    ]


def _hinted(question: Question, taken: int) -> list[Text] | None:
    """One wrong choice less, and why it is wrong; None where only two are left."""
    out = _ruled_out(question, taken + 1)
    if len(out) == taken:
        return None
    place = out[-1]
    return [Text(), *_verdict(Text(f"Not {LETTERS[place]}.", "atlas.accent"), question.choices[place])]


def _ruled_out(question: Question, hints: int) -> list[int]:
    """The places of the wrong choices that so many hints take away; one stays beside the right one."""
    wrong = [place for place, choice in enumerate(question.choices) if not choice.right]
    return wrong[:-1][:hints]


def _verdict(mark: Text, choice: Choice) -> list[Text]:
    column = len("Not quite. ")
    return indent(hang(mark, _rendered(choice.why, text_width() - _MARGIN - column), column), _MARGIN)


def _rendered(markdown: str, width: int) -> list[Text]:
    from atlas_cli.pages.text import Renderer

    return Renderer(width, lambda name, room: []).render(markdown)


def _place(word: str, n: int) -> int:
    """The place of a choice that a word names by its letter or its number; -1 where it names none."""
    if len(word) == 1 and word in LETTERS[:n]:
        return LETTERS.index(word)
    return int(word) - 1 if word.isdecimal() and word.isascii() and 1 <= int(word) <= n else -1


def _answer(question: Question) -> Given | None:
    """The chosen answer; None where the reader stops or the pipe ends."""
    letters = LETTERS[: len(question.choices)]
    hints = 0
    while True:
        if sys.stdin.isatty():
            print(f"\n  {', '.join(letters)}; ? for a hint, q leaves > ", end="", file=sys.stderr, flush=True)
        line = sys.stdin.readline()
        word = line.strip().lower()
        if not line or word in ("q", "quit"):
            return None
        place = _place(word, len(letters))
        if place in _ruled_out(question, hints):
            messages.say(f"  {letters[place]} is ruled out already")
        elif place >= 0:
            return Given(place, hints)
        elif word in ("?", "hint"):
            if (hint := _hinted(question, hints)) is None:
                messages.say("  no more hints: two answers are left")
                continue
            hints += 1
            show(hint)
        elif word:
            messages.say(f"  {word!r} is none of {', '.join(letters)}; ? gives a hint, q ends the quiz")
