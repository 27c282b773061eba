"""`atlas explain`: the page of a topic or a family."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from atlas_cli import catalog


class Format(StrEnum):
    """What a page is printed as."""

    text = "text"
    markdown = "markdown"
    json = "json"


def explain(
    topic: Annotated[
        str, typer.Argument(help="Topic, family, number or alias.", autocompletion=catalog.complete_name)
    ],
    section: Annotated[
        str | None, typer.Option("--section", "-s", help="Print one section only, such as 'How it works'.")
    ] = None,
    format: Annotated[Format, typer.Option("--format", "-f", help="What to print.")] = Format.text,
    json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    pager: Annotated[bool, typer.Option(help="Page long texts on a terminal.")] = True,
) -> None:
    """Explain a topic or a family.

    Example: [bold]atlas explain mamba[/bold]
    """
    from atlas_cli.pages import compose, export, source

    subject = catalog.resolve_any(topic)
    page = source.read_page(subject)
    if section is not None:
        page = page.only(section)
    from atlas_cli import terminal

    if json or format is Format.json:
        terminal.emit_json(export.as_dict(page))
    elif format is Format.markdown:
        terminal.emit_text(export.as_markdown(page))
    else:
        terminal.show(compose.compose(page, terminal.text_width()), pager=pager)
