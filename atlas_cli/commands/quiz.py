"""`atlas quiz`: one question at a time, the why after each answer; what was missed comes back."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from atlas_cli import catalog

if TYPE_CHECKING:
    from atlas_cli.pages.quiz import Quiz

PANEL, PLACE = "Learn", 5  # in atlas --help


class Kind(StrEnum):
    """What a question asks for."""

    predict = "predict"
    diagnose = "diagnose"
    choose = "choose"


def quiz(
    family: Annotated[
        list[str] | None,
        typer.Argument(
            help="Family, or one of its topics (default: what is due).", autocompletion=catalog.complete_name
        ),
    ] = None,
    kind: Annotated[Kind | None, typer.Option("--kind", "-k", help="Questions of one kind alone.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the questions as one JSON document.")] = False,
    answers: Annotated[
        bool, typer.Option("--answers", help="With --json: also what is right, and why.")
    ] = False,
) -> None:
    """Ask what you have understood, one question at a time.

    Without a name it asks what is due: a question that was missed comes back soon, one that was known later.

    Example: [bold]atlas quiz diffusion[/bold]
    """
    from atlas_cli.errors import UsageError
    from atlas_cli.pages import quiz as quizzes

    name = " ".join(family or ())
    found = quizzes.find(name) if name else _due()
    if kind is not None and (name or found.questions):
        found = quizzes.only(found, kind)
    if answers and not json:
        raise UsageError(
            "--answers goes with --json; the quiz itself tells after each question",
            f"atlas quiz {found.slug or ''} --json --answers".replace("  ", " "),
        )
    if json:
        from atlas_cli.screen.terminal import emit_json

        emit_json(quizzes.as_dict(found, answers))
        return
    from atlas_cli.commands import _asking

    if found.questions:
        _asking.ask_all(found)
    else:
        _asking.tell_nothing_due()


def _due() -> Quiz:
    """The questions that are due, the longest waiting first."""
    import time

    from atlas_cli.learner import boxes, progress
    from atlas_cli.pages import quiz as quizzes

    return quizzes.named((deed.topic, deed.what) for deed in boxes.due(progress.load(), time.time()))
