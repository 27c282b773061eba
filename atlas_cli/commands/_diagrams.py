"""The table of `atlas diagram --list`."""

from __future__ import annotations

from typing import Any


def listing(topic: str | None, as_json: bool) -> None:
    """What can be drawn, of a topic, of a family or of the whole atlas.

    Raises:
        UsageError: of this topic nothing can.
    """
    from rich.table import Table
    from rich.text import Text

    from atlas_cli import catalog
    from atlas_cli.diagrams import gallery
    from atlas_cli.diagrams.model import Diagram
    from atlas_cli.errors import UsageError
    from atlas_cli.screen import messages
    from atlas_cli.screen.terminal import emit_json, out

    subject: Any = catalog.resolve_any(topic, "diagram") if topic else None
    subjects = [subject] if subject else catalog.families()
    found = [d for entry in subjects for d in (*gallery.diagrams_of(entry), *gallery.of_runs(entry))]
    if as_json:
        listed = [
            {
                "name": d.name, "family": d.family, "topics": list(d.topics), "title": d.title,
                "kind": "stepped" if isinstance(d, Diagram) else "explorable", "question": d.question,
                "needs_run": not isinstance(d, Diagram) and d.needs_run,
            }
            for d in found
        ]  # fmt: skip
        emit_json({"diagrams": listed})
        return
    if not found:
        raise UsageError(f"there is no diagram of {subject.slug} yet", "atlas diagram --list")
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="atlas.muted")
    roomy = out.width >= 100
    for title in ("topic", "diagram", "shows", *(["turn"] if roomy else [])):
        table.add_column(title)
    for d in found:
        turn = "steps" if isinstance(d, Diagram) else ", ".join(knob.name for knob in d.knobs)
        shows = Text(d.title)
        if not isinstance(d, Diagram) and d.needs_run:
            shows.append(f"  needs a run of {' or '.join(d.systems)}", "atlas.muted")
        cells = (Text(", ".join(d.topics), "atlas.accent"), d.name, shows, Text(turn, "atlas.muted"))
        table.add_row(*cells[: 4 if roomy else 3])
    out.print(table)
    messages.next_command(f"atlas diagram {found[0].topics[0]} {found[0].name}")
