"""A guess at the terminal: the question, what was measured, and the score; asked once, then only shown."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from rich.text import Text

from atlas_cli.catalog import Topic
from atlas_cli.errors import UsageError
from atlas_cli.learner import guesses, progress
from atlas_cli.learner.progress import Deed, Progress
from atlas_cli.pages import guess
from atlas_cli.pages.guess import LETTERS, Guess
from atlas_cli.screen import messages, terminal
from atlas_cli.screen.lines import Lines, hang, indent, wrap
from atlas_cli.screen.terminal import text_width

_MARGIN = 2


def take(topic: Topic, word: str) -> None:
    """Keep a guess that was made in one word; the first one stays.

    Raises:
        UsageError: it is none, or one was made already.
    """
    asked = _measured(topic)
    if _made(asked):
        raise UsageError(
            f"you have guessed on {topic.slug} already, and the first guess counts",
            f"atlas guess {topic.slug}",
        )
    given = _read(asked, word)
    if given is None:
        raise UsageError(f"{word!r} is no guess here: {_wanted(asked)}", f"atlas guess {topic.slug}")
    _keep(asked, given)


def ask_all(topics: Sequence[Topic]) -> None:
    """Ask for each guess that was not made, and show what was measured, until the reader stops.

    Where all were made, one is shown again, and several are listed.
    """
    known = progress.load()
    waiting = [t for t in topics if not guesses.made(known, t.slug, guess.id_of(t) or "")]
    if not waiting:
        (show if len(topics) == 1 else show_list)(topics)
        return
    for topic in waiting:
        asked = _measured(topic)
        terminal.show(_question(asked))
        given = _answer(asked)
        if given is None:
            messages.say("  no guess: it is asked again when you come back")
            break
        _keep(asked, given)
        terminal.show(_told(asked, _made(asked)))
    _close(topic)


def show(topics: Sequence[Topic]) -> None:
    """The questions, the guesses that were made, and what was measured."""
    for topic in topics:
        asked = _measured(topic)
        terminal.show([*_question(asked), *_told(asked, _made(asked))])
    _close(topics[-1])


def show_list(topics: Sequence[Topic]) -> None:
    """A line a guess: whether it was made, and how it came out."""
    known = progress.load()
    longest = max(len(topic.slug) for topic in topics)
    lines: Lines = []
    for topic in topics:
        made = guesses.made(known, topic.slug, guess.id_of(topic) or "")
        mark, style = _mark(made)
        row = Text.assemble((mark, style), " ", (f"atlas guess {topic.slug}", "atlas.code"))
        said = _said(made) if made else topic.title
        lines += hang(row, wrap(Text(said, "atlas.muted"), text_width() - longest - 19), longest + 17)
    right, made_in_all = guesses.score(known)
    word = "guesses" if made_in_all > 1 else "guess"
    lines += [Text(), Text(f"{right} of {made_in_all} {word} right", "atlas.head")]
    terminal.show(indent(lines, _MARGIN))
    waiting = [t for t in topics if not guesses.made(known, t.slug, guess.id_of(t) or "")]
    if waiting:
        messages.next_command(f"atlas guess {waiting[0].slug}")
    else:
        messages.next_command("atlas learn", "the next step of your path")


def as_dict(topics: Sequence[Topic]) -> dict[str, Any]:
    """For scripts and classrooms: what was measured stands there only once a guess was made."""
    known = progress.load()
    return {
        "guesses": [_entry(asked, known) for topic in topics if (asked := guess.of(topic))],
        "score": guesses.score(known)._asdict(),
    }


def _entry(asked: Guess, known: Progress) -> dict[str, Any]:
    made = guesses.made(known, asked.topic, asked.id)
    return {
        "topic": asked.topic, "ask": asked.ask,
        "choices": [
            {"letter": letter, "say": choice.say}
            for letter, choice in zip(LETTERS, asked.choices, strict=False)
        ],
        "within": asked.within,
        "guess": made.facts.get("guess") if made else None,
        "right": made.facts.get("right") if made else None,
        "answer": (asked.letter or asked.figure) if made else None,
        "measured": asked.figure if made else None,
        "told": asked.told if made else None,
    }  # fmt: skip


def _measured(topic: Topic) -> Guess:
    """The guess of a topic's page.

    Raises:
        UsageError: its recipe was not measured yet.
    """
    asked = guess.of(topic)
    assert asked is not None  # the command asks for topics that have one
    if asked.figure is None:
        raise UsageError(
            f"what {topic.slug} asks to be guessed is not measured yet", f"atlas verify {topic.slug}/small"
        )
    return asked


def _made(asked: Guess) -> Deed | None:
    return guesses.made(progress.load(), asked.topic, asked.id)


def _keep(asked: Guess, given: int | float) -> None:
    said = LETTERS[int(given)] if asked.choices else given
    progress.record(
        "guessed", asked.topic, asked.id, right=asked.is_right(given), guess=said, measured=asked.figure
    )


def _read(asked: Guess, word: str) -> int | float | None:
    """The place of a choice, or a number; None where the word is neither."""
    if not asked.choices:
        return guesses.number(word)
    letters = LETTERS[: len(asked.choices)]
    word = word.strip().lower()
    return letters.index(word) if len(word) == 1 and word in letters else None


def _wanted(asked: Guess) -> str:
    if not asked.choices:
        return "a number is wanted, such as 0.5 or 50%"
    return f"choose one of {', '.join(LETTERS[: len(asked.choices)])}"


def _answer(asked: Guess) -> int | float | None:
    """The guess that is typed; None where the reader passes or the pipe ends."""
    prompt = ", ".join(LETTERS[: len(asked.choices)]) if asked.choices else "a number"
    while True:
        if sys.stdin.isatty():
            print(f"\n  {prompt}; q passes > ", end="", file=sys.stderr, flush=True)
        line = sys.stdin.readline()
        word = line.strip().lower()
        if not line or word in ("q", "quit"):
            return None
        given = _read(asked, word)
        if given is not None:
            return given
        if word:
            messages.say(f"  {word!r} is no guess here: {_wanted(asked)}")


def _question(asked: Guess) -> Lines:
    width = text_width() - _MARGIN
    lines = [Text(), Text.assemble(("Guess first", "atlas.head"), (f"  {asked.topic}", "atlas.muted"))]
    lines += _rendered(asked.ask, width)
    if asked.choices:
        lines.append(Text())
    for letter, choice in zip(LETTERS, asked.choices, strict=False):
        lines += hang(Text(f"{letter}  ", "atlas.accent"), _rendered(choice.say, width - 3), 3)
    if asked.within is not None:
        lines.append(Text(f"A guess is right if it is {asked.within:g} off or less.", "atlas.muted"))
    return indent(lines, _MARGIN)


def _told(asked: Guess, made: Deed | None) -> Lines:
    """Whether the guess was right, and what was measured."""
    right = made is not None and made.facts.get("right") is True
    verdict = Text("Right.", "atlas.good") if right else Text("Not quite.", "atlas.bad")
    lines = [Text()]
    if made is not None:
        said = f"You said {_plain(made.facts.get('guess'))}"
        measured = f"it is {asked.letter}" if asked.letter else f"it is {asked.figure:.3g}"
        lines.append(Text.assemble(verdict, f" {said}." if right else f" {said}; {measured}."))
    return indent([*lines, *_rendered(asked.told, text_width() - _MARGIN)], _MARGIN)


def _close(topic: Topic) -> None:
    """The score of all guesses, and the way on."""
    right, made = guesses.score(progress.load())
    if made:
        terminal.show(
            [Text(), Text(f"  {right} of {made} guess{'es' if made > 1 else ''} right", "atlas.head")]
        )
        messages.next_command("atlas learn", "the next step of your path")
    else:
        messages.next_command(f"atlas explain {topic.slug}")


def _mark(made: Deed | None) -> tuple[str, str]:
    if made is None:
        return " ", ""
    return ("✓", "atlas.good") if made.facts.get("right") is True else ("✗", "atlas.bad")


def _said(made: Deed) -> str:
    return f"you said {_plain(made.facts.get('guess'))}"


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def _rendered(markdown: str, width: int) -> Lines:
    from atlas_cli.pages.text import Renderer

    return Renderer(width, lambda name, room: []).render(markdown)
