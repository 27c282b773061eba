"""`atlas class`: what a teacher does with the reports of thirty students. Imports no torch."""
# ruff: noqa: N999  the command is called so, and commands go by their files

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from atlas_cli.commands._places import place
from atlas_cli.errors import DataError, UsageError

if TYPE_CHECKING:
    from atlas_cli.classroom.table import Table

PANEL, PLACE = "Class", 3  # in atlas --help

_NAMED = 12  # of the files that are no reports


def _places(values: list[Path] | None) -> list[Path]:
    from atlas_cli import paths

    return [paths.named(value, "file (--out)") for value in values or ()]


app = typer.Typer(help="Collect the reports of a class in a table.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Collect the reports of a class in a table."""


@app.command()
def collect(
    folder: Annotated[
        Path, typer.Argument(help="Where the reports lie, or folders with them.", callback=place("folder"))
    ],
    out: Annotated[
        list[Path] | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="Write a .csv or an .html file. Repeatable.",
            callback=_places,
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Make a table of the reports: progress, claims met, exercises, common mistakes.

    What is no report is named and left out. In a pipe it prints CSV.

    Example: [bold]atlas class collect reports -o class.html[/bold]
    """
    from atlas_cli.classroom import deliver, table
    from atlas_cli.commands import _class_table
    from atlas_cli.screen import messages, terminal

    writers = [_writer(path) for path in out or ()]
    found = table.collect(folder)
    if not found.students:
        lines = _left_out(found, "more like these")
        raise DataError(f"{folder} holds no report", 'students write one: atlas report --name "NAME"', lines)
    for path, kind in writers:
        _write(path, kind, found)
    files = [str(path) for path, _ in writers]
    if json:
        terminal.emit_json({"folder": str(folder), "files": files, **deliver.as_dict(found)})
        return
    if files:
        terminal.emit_text("\n".join(files))
    elif terminal.out.is_terminal:
        _class_table.show_class(found)
    else:
        terminal.emit_text(deliver.as_csv(found))
    n = len(found.students)
    messages.say(f"{n} report{'' if n == 1 else 's'} from {folder}")
    for line in _left_out(found, "more; --json names them all"):
        messages.say(f"left out {line}")
    messages.next_command(*_then(folder, files))


def _left_out(found: Table, rest: str) -> list[str]:
    """What was no report, and why; of very many the first, what may be meant as one before others."""
    ranked = sorted(
        found.refused, key=lambda entry: (not entry.file.lower().endswith(".json"), entry.file.count("/"))
    )
    lines = [f"{entry.file}: {entry.why}" for entry in ranked[:_NAMED]]
    more = len(ranked) - len(lines)
    return [*lines, f"{more} {rest}"] if more else lines


def _writer(path: Path) -> tuple[Path, str]:
    """The file, and what its ending asks for."""
    kind = path.suffix.lower()
    if kind not in (".csv", ".html"):
        raise UsageError(f"a table is written as .csv or .html, not as {path.name}", "-o class.html")
    return path, kind


def _write(path: Path, kind: str, found: Table) -> None:
    from atlas_cli.classroom import deliver
    from atlas_cli.commands import _writing

    if kind == ".csv":
        _writing.write(path, deliver.as_csv(found))
        return
    from atlas_cli.classroom.page import as_html

    _writing.write(path, as_html(found))


def _then(folder: Path, files: list[str]) -> tuple[str, str]:
    from shlex import quote

    pages = [file for file in files if file.lower().endswith(".html")]
    if pages:
        return f"python -m webbrowser {quote(pages[0])}", "opens the page"
    return f"atlas class collect {quote(str(folder))} -o class.html", "one page, to look at or to print"
