"""The table of a class on the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from atlas_cli.classroom.table import Row, Table
from atlas_cli.screen.lines import Lines, indent, pairs, wrap
from atlas_cli.screen.tables import table
from atlas_cli.screen.terminal import out, show

_MARGIN = 2
_WIDEST = 110  # columns
_MOST_MISTAKES = 10


def show_class(found: Table) -> None:
    """Who did how much, then what is common to many; through a pager where it is long."""
    width = min(out.width, _WIDEST) - 2 * _MARGIN
    lines = _students(found, width)
    lines += _counted("Claims met, of those who trained", found.claims, width)
    lines += _counted("Exercises solved, of those who tried", found.exercises, width)
    rows = [
        (Text(f"{one.students}  {one.exercise}", "atlas.code"), Text(one.says))
        for one in found.mistakes[:_MOST_MISTAKES]
    ]
    lines += _titled("Common mistakes, by students", pairs(rows, width))
    notes = [
        (Text(student.label, "atlas.accent"), Text(note))
        for student in found.students
        for note in student.notes
    ]
    lines += _titled("Worth a look", pairs(notes, width))
    show(indent(lines, _MARGIN), pager=True)


def _students(found: Table, width: int) -> Lines:
    head = [Text(title) for title in ("name", "read", "answered", "coded", "trained", "met")]
    body = [
        [
            Text(student.label, "atlas.accent"), Text(str(student.total("read"))),
            Text(f"{student.total('answered')}, {student.total('right')} right"),
            *(Text(str(student.total(what))) for what in ("coded", "trained", "met")),
        ]
        for student in found.students
    ]  # fmt: skip
    return table(head, body, ("left", *["right"] * 5), width)


def _counted(title: str, rows: Sequence[Row], width: int) -> Lines:
    told = [(Text(f"{row.reached} of {row.of}"), Text(row.name, "atlas.code")) for row in rows]
    return _titled(title, pairs(told, width))


def _titled(title: str, lines: Lines) -> Lines:
    return [Text(), *wrap(Text(title, "atlas.head"), out.width - 2 * _MARGIN), *lines] if lines else []
