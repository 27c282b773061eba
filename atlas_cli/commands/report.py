"""`atlas report`: what one student did, as one small file to hand in. Imports no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from atlas_cli.commands._places import place
from atlas_cli.errors import UsageError

PANEL, PLACE = "Class", 2  # in atlas --help

_LONGEST = 100  # letters of a name
_OF_A_FILE = 50  # of these letters in the name of a file, of at most 255 bytes


def report(
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="Your name, as your teacher knows it.")],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="FILE", help="The file (default: report-NAME.json here).",
            callback=place("file (--out)"),
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:  # fmt: skip
    """Write what you read, answered, coded and trained to one small file, to hand it in.

    It is read from what is kept on this machine, and is sent nowhere. It is no proof: the file says so.

    Example: [bold]atlas report --name "Anna Meier"[/bold]
    """
    from atlas_cli.classroom import report as reports
    from atlas_cli.commands import _writing
    from atlas_cli.screen import messages, terminal

    name = _checked(name)
    file = out or Path(f"report-{_slug(name)}.json")
    _require_own(file, name)
    document = reports.document(name)
    text = reports.text_of(document)
    _writing.write(file, text)
    if json:
        terminal.emit_json({"file": str(file), "size": len(text.encode()), "report": document})
        return
    terminal.emit_text(str(file))
    topics, runs = document["topics"], document["runs"]
    if not topics:
        messages.say("nothing was done yet on this machine, or under another ATLAS_HOME: the report is empty")
    told = {name: sum(bool(topic[name]) for topic in topics) for name in ("read", "answered", "coded")}
    messages.say(
        f"topics read {told['read']}, answered {told['answered']}, coded {told['coded']}; "
        f"runs {len(runs)}, claims met in {sum(run['met'] is True for run in runs)}"
    )
    messages.say("hand in this file; it tells what was done, and is no proof against forgery")
    messages.next_command("atlas learn", "your next step")


def _checked(name: str) -> str:
    """A name that a table has room for, and in which all can be seen.

    Raises:
        UsageError: it is none.
    """
    import unicodedata

    from atlas_cli.classroom import report as reports
    from atlas_cli.errors import quoted

    plain = unicodedata.normalize("NFC", " ".join(name.split()))
    if not reports.can_be_shown(plain):
        raise UsageError(f"{quoted(name)} is no name", 'atlas report --name "Anna Meier"')
    if len(plain) > _LONGEST:
        what = f"the name (--name) {quoted(plain)} is too long: {len(plain):,} letters"
        raise UsageError(what, f"use {_LONGEST} letters at most")
    return plain


def _slug(name: str) -> str:
    """What stands for the name in that of a file."""
    import re

    return re.sub(r"[\W_]+", "-", name.casefold()).strip("-")[:_OF_A_FILE] or "student"


def _require_own(file: Path, name: str) -> None:
    """Refuse to write over what is no report of the same student.

    Raises:
        UsageError: the file is one.
    """
    from atlas_cli.classroom import received

    if not file.exists():
        return
    try:
        known = received.read(file).name
    except ValueError:
        hint = "name another file: --out FILE"
        raise UsageError(f"{file} is there, and is no report of atlas", hint) from None
    if known != name:
        raise UsageError(f"{file} is the report of {known}", "name another file: --out FILE")
