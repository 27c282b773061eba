"""`atlas diagram`: draw how a topic works, step by step, or at the turn of a knob."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from atlas_cli import catalog
from atlas_cli.errors import UsageError

if TYPE_CHECKING:
    from atlas_cli.diagrams.frames import Explorable
    from atlas_cli.diagrams.model import Diagram

_WIDEST = 140  # columns; on a wider screen the eye would have to travel
_INDENT = 2


class Format(StrEnum):
    """What a diagram is printed as."""

    text = "text"
    svg = "svg"
    html = "html"
    json = "json"


def diagram(
    topic: Annotated[
        str | None, typer.Argument(help="Topic, family or alias.", autocompletion=catalog.complete_name)
    ] = None,
    name: Annotated[str | None, typer.Argument(help="Which of its diagrams, where it has several.")] = None,
    list_: Annotated[bool, typer.Option("--list", "-l", help="List the diagrams there are.")] = False,
    step: Annotated[int | None, typer.Option("--step", "-s", min=1, help="Light one step.")] = None,
    all_steps: Annotated[bool, typer.Option("--all-steps", help="Draw every step, one by one.")] = False,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KNOB=VALUE", help="Turn a knob; repeatable.")
    ] = None,
    animate: Annotated[
        bool | None, typer.Option("--animate/--no-animate", help="Play the steps; the default on a terminal.")
    ] = None,
    format: Annotated[
        Format | None, typer.Option("--format", "-f", help="What to print; --out's ending says it too.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write to this file.")] = None,
    json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
) -> None:
    """Draw how a topic works: step by step, or at the turn of a knob.

    Example: [bold]atlas diagram mamba selective-scan --set gate=1[/bold]
    """
    wanted = Format.json if json else format or _format_of(out)
    if list_ or topic is None:
        _list(catalog.resolve_any(topic, "diagram") if topic else None, wanted is Format.json)
        return
    subject, chosen = _find(topic, name)
    command = f"atlas diagram {subject.slug} {chosen.name}"
    from atlas_cli.diagrams.model import Diagram

    if isinstance(chosen, Diagram):
        _check_steps(chosen, step, set_, command)
        if wanted is Format.text and out is None:
            _draw(chosen, step, all_steps, animate)
            _say_next(subject, chosen)
            return
    elif step is not None or all_steps:
        knob = chosen.knobs[0]
        raise UsageError(
            f"{chosen.name} has knobs and no steps", f"{command} --set {knob.name}={knob.values[-1]}"
        )
    from atlas_cli.diagrams import deliver

    if wanted is Format.text and out is None and not isinstance(chosen, Diagram):
        deliver.draw(chosen, set_ or [], command)
    else:
        deliver.hand_over(deliver.document(chosen, wanted.value, set_ or [], step, command), out)
    _say_next(subject, chosen)


def _format_of(out: Path | None) -> Format:
    """What the ending of the file asks for."""
    ending = out.suffix.lstrip(".").lower() if out else "txt"
    if ending in ("", "txt", "md"):
        return Format.text
    if ending not in [format.value for format in Format]:
        raise UsageError(
            f"a diagram cannot be written as {ending}", "name a file in .svg, .html, .json or .txt"
        )
    return Format(ending)


def _find(topic: str, name: str | None) -> tuple[Any, Diagram | Explorable]:
    """The topic or family, and its diagram; a diagram's own name will do as well."""
    from atlas_cli.diagrams import gallery

    try:
        subject = catalog.resolve_any(topic, "diagram")
    except UsageError:
        chosen = gallery.anywhere(topic) if name is None else None
        if chosen is None:
            raise
        return catalog.resolve(chosen.topics[0]), chosen
    return subject, gallery.find(subject, name)


def _check_steps(chosen: Diagram, step: int | None, given: list[str] | None, command: str) -> None:
    if given:
        raise UsageError(f"{chosen.name} has steps and no knobs", f"{command} --step 1")
    if step is not None and step > len(chosen.steps):
        raise UsageError(
            f"{chosen.name} has {len(chosen.steps)} steps, not {step}",
            f"{command} --step {len(chosen.steps)}",
        )


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
    from atlas_cli.diagrams import gallery
    from atlas_cli.diagrams.model import Diagram
    from atlas_cli.terminal import emit_json, out

    subjects = [subject] if subject else catalog.families()
    found = [diagram for entry in subjects for diagram in gallery.diagrams_of(entry)]
    if as_json:
        emit_json(
            [
                {
                    "name": d.name, "family": d.family, "topics": list(d.topics), "title": d.title,
                    "kind": "stepped" if isinstance(d, Diagram) else "explorable", "question": d.question,
                }
                for d in found
            ]
        )  # fmt: skip
        return
    if not found:
        raise UsageError(f"there is no diagram of {subject.slug} yet", "atlas diagram --list")
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="atlas.muted")
    roomy = out.width >= 100
    for title in ("topic", "diagram", "shows", *(["turn"] if roomy else [])):
        table.add_column(title)
    for d in found:
        turn = "steps" if isinstance(d, Diagram) else ", ".join(knob.name for knob in d.knobs)
        cells = (Text(", ".join(d.topics), "atlas.accent"), d.name, d.title, Text(turn, "atlas.muted"))
        table.add_row(*cells[: 4 if roomy else 3])
    out.print(table)
    messages.next_command(f"atlas diagram {found[0].topics[0]} {found[0].name}")


def _say_next(subject: Any, chosen: Diagram | Explorable) -> None:
    from atlas_cli import messages
    from atlas_cli.diagrams import gallery
    from atlas_cli.diagrams.model import Diagram

    if not isinstance(chosen, Diagram):
        knob = chosen.knobs[0]
        turned = knob.values[-1] if knob.default != knob.values[-1] else knob.values[0]
        command = f"atlas diagram {subject.slug} {chosen.name} --set {knob.name}={turned}"
        messages.next_command(command, "turns a knob")
        return
    others = [d.name for d in gallery.diagrams_of(subject) if d.name != chosen.name]
    topic = chosen.topics[0]
    if others:
        messages.next_command(f"atlas diagram {subject.slug} {others[0]}", f"of {', '.join(others)}")
        return
    named = next((node.id for node in chosen.nodes.values() if node.code and node.kind == "op"), None)
    if named:
        messages.next_command(f"atlas code {topic} {named}", "the function behind that box")
    else:
        messages.next_command(f"atlas explain {topic}")
