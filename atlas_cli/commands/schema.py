"""`atlas schema`: the JSON Schema of every document that --json prints."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from atlas_cli.errors import UsageError

PANEL, PLACE = "Manage", 4  # in atlas --help

_FOLDER = Path(__file__).resolve().parents[1] / "schemas"  # one file a document; _defs.json is shared


def schema(
    command: Annotated[
        list[str] | None,
        typer.Argument(help="Command, such as train or run ls; or error.", autocompletion=lambda: names()),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON; it always is.")] = False,
) -> None:
    """Print the JSON Schema of what a command prints with --json; of none, all of them.

    Example: [bold]atlas schema train[/bold]
    """
    from atlas_cli.screen import terminal

    if not command:
        terminal.emit_json({"schemas": {name.replace("-", " "): of(name) for name in names()}})
        return
    name = "-".join(command).replace(" ", "-").lower()
    if name not in names():
        import difflib

        near = difflib.get_close_matches(name, names(), n=1)
        raise UsageError(
            f"there is no document called {' '.join(command)!r}",
            f"did you mean: atlas schema {near[0]}" if near else f"choose one of: {', '.join(names())}",
        )
    terminal.emit_json(of(name))


def names() -> list[str]:
    """The documents that have a schema: "train", "run-ls", "error"."""
    return sorted(path.stem for path in _FOLDER.glob("*.json") if not path.stem.startswith("_"))


def of(name: str) -> dict[str, Any]:
    """The schema of a document, with the definitions that it refers to."""
    import json

    shared = json.loads((_FOLDER / "_defs.json").read_text(encoding="utf-8"))
    own: dict[str, Any] = json.loads((_FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **own, "$defs": shared}
