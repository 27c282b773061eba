"""`atlas greet`: say good day."""

from __future__ import annotations

from typing import Annotated

import typer

PANEL, PLACE = "Learn", 9


def greet(
    name: Annotated[str, typer.Argument(help="Whom to greet.")],
    json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Say good day to a topic."""
    from atlas_cli.screen import terminal

    said = f"good day, {name}"
    if json:
        terminal.emit_json({"said": said})
    else:
        terminal.out.print(said)
