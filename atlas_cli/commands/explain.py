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
        list[str], typer.Argument(help="Topic, family, number or alias.", autocompletion=_complete.names)
    ],
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
    pager: Annotated[bool, typer.Option(help="Page long texts on a terminal.")] = True,
) -> None:
    """Explain a topic or a family.

    Example: [bold]atlas explain mamba[/bold]
    """
    from atlas_cli.commands._formats import asked
    from atlas_cli.screen import kept

    name = " ".join(topic)
    wanted = asked(format, json, Format.json)
    request = None
    if wanted in (None, Format.text):
        request = kept.request("explain", name, section, pager)
        if kept.replay(request):
            return
    with kept.recording(request):
        _print(name, section, wanted, pager)


def _print(topic: str, section: str | None, wanted: Format | None, pager: bool) -> None:
    from atlas_cli import catalog
    from atlas_cli.pages import source
    from atlas_cli.screen import terminal

    page = source.read_page(catalog.resolve_any(topic))
    if section is not None:
        page = page.only(section)
    if wanted is Format.html:
        from atlas_cli.site.single import document

        terminal.emit_text(document(page))
    elif wanted is Format.json:
        from atlas_cli.pages import export

        terminal.emit_json(export.as_dict(page))
    elif wanted is Format.markdown:
        from atlas_cli.pages import export

        terminal.emit_text(export.as_markdown(page))
    else:
        from atlas_cli.pages.compose import compose

        terminal.show(compose(page, terminal.text_width()), pager=pager)
