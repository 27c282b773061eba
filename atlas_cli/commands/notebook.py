"""`atlas notebook`: a topic's page as a Jupyter notebook."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from atlas_cli.commands import _complete
from atlas_cli.commands._places import place
from atlas_cli.errors import UsageError, quoted

if TYPE_CHECKING:
    from atlas_cli.catalog import Topic
    from atlas_cli.recipe.model import Recipe

PANEL, PLACE = "Learn", 7  # in atlas --help

_ENDING = ".ipynb"


def notebook(
    topic: Annotated[list[str], typer.Argument(help="Topic or alias.", autocompletion=_complete.topics)],
    recipe: Annotated[
        str,
        typer.Option(
            "--recipe",
            "-r",
            help="What it trains: small, ci, or another recipe of the topic.",
            autocompletion=_complete.recipes_of_topic,
        ),
    ] = "small",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="Write to this file (default: TOPIC.ipynb here).",
            callback=place("file (--out)"),
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", "-f", help="Replace the file if there is one.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Write a topic's page as a notebook: to read, turn, write code in, and train.

    Example: [bold]atlas notebook ddpm[/bold]
    """
    from atlas_cli import catalog
    from atlas_cli.commands._places import refuse_existing, write
    from atlas_cli.diagrams import threads
    from atlas_cli.screen import messages, terminal

    found = catalog.resolve(" ".join(topic), "notebook")
    file = out or Path(f"{found.slug}{_ENDING}")
    if file.suffix != _ENDING:
        raise UsageError(
            f"{file} does not end in {_ENDING}", f"atlas notebook {found.slug} --out {file}{_ENDING}"
        )
    refuse_existing(file, force)  # before the work, and again when it is written
    trained = _recipe(found, recipe)
    threads.take_one()
    from atlas_cli.notebook import build

    made = build.notebook(found, trained)
    content = build.content(made)
    write(file, content, force)
    name = trained.name if trained else None
    if json:
        terminal.emit_json({
            "topic": found.slug, "file": str(file), "recipe": name, "cells": len(made.cells),
            "bytes": len(content),
        })  # fmt: skip
        return
    terminal.emit_text(str(file))
    does = f"; it trains {name}" if name else ""
    messages.say(f"{len(made.cells)} cells, {max(1, round(len(content) / 1000))} kB{does}")
    messages.next_command(f"jupyter lab {file}", "or open it in an editor that runs notebooks")


def _recipe(topic: Topic, name: str) -> Recipe | None:
    """The recipe of that name; None for a topic that has none at all.

    Raises:
        UsageError: there are others, and none of that name.
    """
    from atlas_cli import catalog
    from atlas_cli.recipe import recipes

    slug = topic.slug
    if not catalog.recipes_of(topic):
        return None
    other, _, own = name.rpartition("/")
    if own.endswith((".yaml", ".yml")) or (other and other != slug):
        raise UsageError(
            f"{quoted(name)} is no recipe of {slug}", f"name one of its own: atlas recipe ls {slug}"
        )
    return recipes.resolve(f"{slug}/{own}", command="notebook")
