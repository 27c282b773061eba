"""`atlas diagram`: draw a topic's block diagram, step by step."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from atlas_cli import catalog
from atlas_cli.errors import UsageError

if TYPE_CHECKING:
    from atlas_cli.diagrams.model import Diagram

_WIDEST = 140  # columns; on a wider screen the eye would have to travel
_INDENT = 2


class Format(StrEnum):
    """What a diagram is printed as."""

    text = "text"
    json = "json"


def diagram(
    topic: Annotated[
        str | None, typer.Argument(help="Topic, family or alias.", autocompletion=catalog.complete_name)
    ] = None,
    name: Annotated[str | None, typer.Argument(help="Which of its diagrams, where it has several.")] = None,
    list_: Annotated[bool, typer.Option("--list", "-l", help="List the diagrams there are.")] = False,
    step: Annotated[int | None, typer.Option("--step", "-s", min=1, help="Light one step.")] = None,
    all_steps: Annotated[bool, typer.Option("--all-steps", help="Draw every step, one by one.")] = False,
    animate: Annotated[
        bool | None, typer.Option("--animate/--no-animate", help="Play the steps; the default on a terminal.")
    ] = None,
    format: Annotated[Format, typer.Option("--format", "-f", help="What to print.")] = Format.text,
    json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
) -> None:
    """Draw how a topic works, step by step.

    Example: [bold]atlas diagram mamba[/bold]
    """
    from atlas_cli.diagrams import blocks
    from atlas_cli.terminal import emit_json

    as_json = json or format is Format.json
    if list_ or topic is None:
        _list(catalog.resolve_any(topic, "diagram") if topic else None, as_json)
        return
    subject = catalog.resolve_any(topic, "diagram")
    chosen = blocks.find(subject, name)
    if step is not None and step > len(chosen.steps):
        raise UsageError(
            f"{chosen.name} has {len(chosen.steps)} steps, not {step}",
            f"atlas diagram {subject.slug} {chosen.name} --step {len(chosen.steps)}",
        )
    if as_json:
        emit_json(chosen.as_dict())
        return
    _draw(chosen, step, all_steps, animate)
    _say_next(subject, chosen)


def _draw(chosen: Diagram, step: int | None, all_steps: bool, animate: bool | None) -> None:
    from rich.text import Text

    from atlas_cli.diagrams import terminal
    from atlas_cli.pages.lines import indent
    from atlas_cli.terminal import out, show

    width = min(out.width - 2 * _INDENT, _WIDEST)
    moving = out.is_interactive and out.is_terminal and not out.is_dumb_terminal and animate is not False
    if moving and step is None and not all_steps:
        _play(chosen, width)
    lines = [Text()]
    for number in range(1, len(chosen.steps) + 1) if all_steps else [step]:
        lines += [*terminal.drawing(chosen, width, number), Text()]
    show(indent(lines, _INDENT))


def _play(chosen: Diagram, width: int) -> None:
    """Play the steps once, in place; Ctrl-C skips to the end."""
    import time

    from rich.live import Live
    from rich.text import Text

    from atlas_cli.diagrams import terminal
    from atlas_cli.pages.lines import indent
    from atlas_cli.terminal import out

    try:
        with Live(console=out, auto_refresh=False, transient=True) as live:
            for number, step in enumerate(chosen.steps, start=1):
                frame = terminal.frame(chosen, width, number, out.height - 2)
                live.update(Text("\n").join([Text(), *indent(frame, _INDENT)]), refresh=True)
                time.sleep(0.9 + len(step.say) / 90)  # seconds: long enough to see what moved, and to skim
    except KeyboardInterrupt:
        return


def _list(subject: Any, as_json: bool) -> None:
    from rich.table import Table
    from rich.text import Text

    from atlas_cli import messages
    from atlas_cli.diagrams import blocks
    from atlas_cli.terminal import emit_json, out

    subjects = [subject] if subject else catalog.families()
    found = [diagram for entry in subjects for diagram in blocks.diagrams_of(entry)]
    if as_json:
        emit_json(
            [{"name": d.name, "topics": list(d.topics), "title": d.title, "kind": "stepped"} for d in found]
        )
        return
    if not found:
        raise UsageError(f"there is no diagram of {subject.slug} yet", "atlas diagram --list")
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="atlas.muted")
    for title in ("topic", "diagram", "shows"):
        table.add_column(title)
    for d in found:
        table.add_row(Text(", ".join(d.topics), "atlas.accent"), d.name, d.title)
    out.print(table)
    messages.next_command(f"atlas diagram {found[0].topics[0]} {found[0].name}")


def _say_next(subject: Any, chosen: Diagram) -> None:
    from atlas_cli import messages
    from atlas_cli.diagrams import blocks

    others = [d.name for d in blocks.diagrams_of(subject) if d.name != chosen.name]
    topic = chosen.topics[0]
    if others:
        messages.next_command(f"atlas diagram {subject.slug} {others[0]}", f"of {', '.join(others)}")
        return
    named = next((node.id for node in chosen.nodes.values() if node.code and node.kind == "op"), None)
    if named:
        messages.next_command(f"atlas code {topic} {named}", "the function behind that box")
    else:
        messages.next_command(f"atlas explain {topic}")
