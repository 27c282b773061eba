"""`atlas lab`: a lab sheet that fits the minutes. Imports no torch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from atlas_cli.commands import _complete
from atlas_cli.commands._places import place

if TYPE_CHECKING:
    from atlas_cli.classroom.plan import Plan

PANEL, PLACE = "Class", 1  # in atlas --help


def lab(
    subject: Annotated[list[str], typer.Argument(help="Family or topic.", autocompletion=_complete.names)],
    minutes: Annotated[int, typer.Option(min=5, max=1440, help="How long the lab is.")] = 90,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="FILE", help="Write it as Markdown.", callback=place("file (--out)")
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Print a lab sheet: timed steps, the commands to type, and what to hand in.

    It is Markdown in a pipe or a file.

    Example: [bold]atlas lab diffusion --minutes 90[/bold]
    """
    from atlas_cli import catalog
    from atlas_cli.classroom import sheet
    from atlas_cli.classroom.plan import plan
    from atlas_cli.commands import _writing
    from atlas_cli.screen import messages, terminal

    name = " ".join(subject)
    found = plan(catalog.resolve_any(name, "lab"), minutes)
    text = sheet.markdown(found)
    if out is not None:
        _writing.write(out, text)
    if json:
        terminal.emit_json({**sheet.as_dict(found), "file": None if out is None else str(out)})
        return
    if out is not None:
        terminal.emit_text(str(out))
    elif terminal.out.is_terminal:
        _show(found, text)
    else:
        terminal.emit_text(text)
    if not found.fits:
        messages.say(f"it takes {found.takes} minutes, and {minutes} were given")
    messages.next_command(*_then(found, out))


def _show(found: Plan, text: str) -> None:
    """The sheet as a page of the terminal."""
    from atlas_cli.pages.text import Renderer
    from atlas_cli.screen import terminal

    renderer = Renderer(terminal.text_width(), lambda name, room: [], found.subject.slug)
    terminal.show(renderer.render(text), pager=True)


def _then(found: Plan, out: Path | None) -> tuple[str, str]:
    """What a teacher does next."""
    if out is None:
        return f"atlas lab {found.subject.slug} --minutes {found.minutes} -o lab.md", "to hand it out"
    names = [training.recipe.name for training in found.trainings]
    if names:
        return f"atlas prepare {' '.join(names)}", "what all would wait for, once"
    return "atlas class collect FOLDER", "when the reports have come"
