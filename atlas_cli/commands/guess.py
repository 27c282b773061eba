"""`atlas guess`: what a page asks to be guessed, before it says what was measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from atlas_cli import catalog

if TYPE_CHECKING:
    from atlas_cli.catalog import Topic

PANEL, PLACE = "Learn", 5  # in atlas --help


def guess(
    topic: Annotated[
        list[str] | None,
        typer.Argument(
            help="Topic, or a family: its topics in turn (default: list them).",
            autocompletion=catalog.complete_name,
        ),
    ] = None,
    say: Annotated[
        str | None, typer.Option("--say", metavar="GUESS", help="Your guess, a letter or a number, unasked.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Guess what a recipe measured, then see it; the first guess counts.

    Example: [bold]atlas guess ddpm[/bold]
    """
    from atlas_cli.commands import _guessing
    from atlas_cli.errors import UsageError
    from atlas_cli.screen.terminal import emit_json

    name = " ".join(topic or ())
    topics = _asking(name)
    if say is not None:
        if not name or len(topics) > 1:
            raise UsageError("--say is a guess of one topic", f"atlas guess {topics[0].slug} --say {say}")
        _guessing.take(topics[0], say)
    if json:
        emit_json(_guessing.as_dict(topics))
    elif not name:
        _guessing.show_list(topics)
    elif say is not None:
        _guessing.show(topics)
    else:
        _guessing.ask_all(topics)


def _asking(name: str) -> list[Topic]:
    """The topics of that name, or of the atlas, whose pages ask for a guess.

    Raises:
        UsageError: none of them does.
    """
    from atlas_cli.catalog import Family
    from atlas_cli.errors import UsageError
    from atlas_cli.pages import guess as guesses

    if not name:
        return guesses.asked()
    subject = catalog.resolve_any(name, "guess")
    among = subject.topics if isinstance(subject, Family) else (subject,)
    found = [entry for entry in among if guesses.id_of(entry)]
    if not found:
        raise UsageError(
            f"the page on {subject.slug} asks for no guess yet", "atlas guess lists those that do"
        )
    return found
