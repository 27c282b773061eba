"""The table of a class for spreadsheets and for programs."""

from __future__ import annotations

import csv
import io
from typing import Any

from atlas_cli.classroom.table import Student, Table, in_words

_RISKY = (
    "=",
    "+",
    "-",
    "@",
    "\t",
    "\r",
    "\n",
    "＝",
    "＋",
    "－",
    "＠",
)  # a spreadsheet computes what begins so
TOTALS = {
    "read": "topics read", "answered": "questions answered", "right": "answers right",
    "coded": "exercises solved", "trained": "topics trained", "met": "topics met",
}  # fmt: skip


def as_csv(table: Table) -> str:
    """One row a student, a column a topic; in UTF-8 with a mark, by which spreadsheets know it."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    head = ["name", "file", "written", *TOTALS.values(), "mistakes recognised", "worth a look", *table.topics]
    writer.writerow(map(safe, head))
    for student in table.students:
        writer.writerow(map(safe, _row(student, table.topics)))
    return "\ufeff" + stream.getvalue()


def _row(student: Student, topics: tuple[str, ...]) -> list[object]:
    report = student.report
    done = {topic.topic: topic for topic in report.topics}
    mistakes = [f"{one.exercise}: {says}" for one in report.exercises for says in one.mistakes]
    return [
        student.label, report.file, report.written, *(student.total(what) for what in TOTALS),
        "; ".join(mistakes), "; ".join(student.notes), *(in_words(done.get(topic)) for topic in topics),
    ]  # fmt: skip


def safe(cell: object) -> object:
    """A cell that no spreadsheet takes for a formula; numbers stay numbers."""
    if isinstance(cell, str) and cell.lstrip(" ").startswith(_RISKY):
        return f"'{cell}"
    return cell


def as_dict(table: Table) -> dict[str, Any]:
    """The table for programs."""
    return {
        "students": [
            {
                "name": student.report.name, "label": student.label, "file": student.report.file,
                "written": student.report.written, "atlas": student.report.atlas,
                **{what: student.total(what) for what in TOTALS},
                "topics": {topic.topic: in_words(topic) for topic in student.report.topics},
                "runs": [
                    {"recipe": run.recipe, "run": run.run, "status": run.status, "met": run.met,
                     "imported": run.imported, "as_trained": run.as_trained, "hashes": dict(run.hashes)}
                    for run in student.report.runs
                ],
                "notes": [*student.notes],
            }
            for student in table.students
        ],
        "topics": [*table.topics],
        "claims": [{"recipe": row.name, "met": row.reached, "trained": row.of} for row in table.claims],
        "exercises": [
            {"exercise": row.name, "solved": row.reached, "tried": row.of} for row in table.exercises
        ],
        "mistakes": [mistake._asdict() for mistake in table.mistakes],
        "refused": [entry._asdict() for entry in table.refused],
    }  # fmt: skip
