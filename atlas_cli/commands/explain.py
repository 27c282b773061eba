"""`atlas explain`: the page of a topic or a family."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from atlas_cli.commands import _complete

PANEL, PLACE = "Learn", 2  # in atlas --help


class Format(StrEnum):
    """What a page is printed as."""

    text = "text"
    markdown = "markdown"
    json = "json"
    html = "html"


def explain(
    topic: Annotated[
        list[str] | None,
        typer.Argument(help="Topic, family, number or alias.", autocompletion=_complete.names),
    ] = None,
    section: Annotated[
        str | None,
        typer.Option(
            "--section",
            "-s",
            help="Print one section only, such as 'How it works'.",
            autocompletion=_complete.sections,
        ),
    ] = None,
    format: Annotated[
        Format | None, typer.Option("--format", "-f", help="What to print (default: text).")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    glossary: Annotated[
        bool, typer.Option("--glossary", help="Explain the words that pages use, or the one that is named.")
    ] = False,
    pager: Annotated[bool, typer.Option(help="Page long texts on a terminal.")] = True,
) -> None:
    """Explain a topic or a family.

    Example: [bold]atlas explain mamba[/bold]
    """
    from atlas_cli.commands._formats import asked
    from atlas_cli.screen import kept

    name = " ".join(topic or ())
    _refuse_what_contradicts(name, section, glossary)
    wanted = asked(format, json, Format.json)
    request = None
    if wanted in (None, Format.text):
        request = kept.request("explain", name, section, glossary, pager)
        if shown := kept.replay(request):
            _keep(shown.note)
            return
    with kept.recording(request):
        if glossary:
            from atlas_cli.commands._glossary import print_glossary

            print_glossary(name, wanted, pager)
            return
        read = _print(name, section, wanted, pager)
        kept.note(read)
    if wanted in (None, Format.text):  # what another program asks for, nobody has read
        _keep(read)


def _keep(read: list[str] | None) -> None:
    """Remember what was read: a page, and which section of it where it was one alone."""
    if read:
        from atlas_cli import deeds

        deeds.record("read", *read)


def _refuse_what_contradicts(name: str, section: str | None, glossary: bool) -> None:
    from atlas_cli.errors import UsageError

    if not name and not glossary:
        raise UsageError("missing argument 'topic'", "see atlas explain --help")
    if glossary and section is not None:
        raise UsageError("--section is of a page, and --glossary is none", "leave one of them out")


def _print(topic: str, section: str | None, wanted: Format | None, pager: bool) -> list[str]:
    """Print the page; what was read of it: its slug, and the title of a section."""
    from atlas_cli import reading
    from atlas_cli.screen import terminal

    chapter = reading.explain(topic, section)
    if wanted is Format.html:
        terminal.emit_text(chapter.html())
    elif wanted is Format.json:
        terminal.emit_json(chapter.as_dict())
    elif wanted is Format.markdown:
        terminal.emit_text(chapter.markdown)
    else:
        watched = terminal.can_move(terminal.out)  # in a file or a pipe nobody can ask, so it is told
        terminal.show(chapter.lines(terminal.text_width(), answered=not watched), pager=pager)
    return [*chapter.place]
