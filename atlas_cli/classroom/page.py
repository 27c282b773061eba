"""The table of a class as one web page, in the clothes of the site: nothing is asked of the network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from atlas_cli.classroom.table import Student, Table, in_words, marks
from atlas_cli.site import shell

_LETTERS = {"R": "read", "A": "all questions answered", "C": "all exercises solved", "T": "trained",
            "M": "trained to its claims"}  # fmt: skip
_MET: dict[bool | None, str] = {True: "met", False: "not met", None: "not judged"}
_NOTE = (
    "Reports hold what atlas kept on the students’ machines. One that was edited since is left out, and a "
    "run is known by its hashes. None of it is proof against forgery: whoever can write a program can write "
    "a report."
)
_STYLE = """<style>
.class-key { font: 0.95rem/1.6 var(--label); color: var(--soft); }
.class-key b, .marks b { font: 600 0.95rem/1 var(--mono); color: var(--accent); }
.marks { font: 0.95rem/1 var(--mono); color: var(--soft); letter-spacing: 0.12em; white-space: nowrap; }
.marks .met { color: var(--mark); }
.students { max-height: 90vh; overflow: auto; }
.students th:first-child, .students td:first-child {
  position: sticky; left: 0; background: var(--ground); min-width: 7rem; max-width: 14rem; z-index: 1;
}
.students thead th { position: sticky; top: 0; background: var(--ground); z-index: 2; }
.students thead th:first-child { z-index: 3; }
.file { display: block; font-size: 0.8rem; color: var(--soft); overflow-wrap: anywhere; }
.bar { display: inline-block; width: 6rem; height: 0.6rem; margin-right: 0.6rem; background: var(--raised);
  border: 1px solid var(--line); border-radius: 0.3rem; overflow: hidden; vertical-align: middle; }
.bar i { display: block; height: 100%; background: var(--accent); }
</style>"""


def as_html(table: Table) -> str:
    """The whole page."""
    n = len(table.students)
    title = f"A class of {n}"
    parts = [
        f"<h1>{title}</h1>", f'<p class="under">{_about(table)}</p>', _progress(table),
        _counted("Claims", "recipe", "claims met", table.claims, "trained"),
        _counted("Exercises", "exercise", "solved", table.exercises, "tried"),
        _mistakes(table), _notes(table), _runs(table), _refused(table), f'<p class="note">{_NOTE}</p>',
    ]  # fmt: skip
    return shell.alone(
        f"{title} · atlas", "Reports of a class, collected.", "\n".join(filter(None, parts)), _STYLE
    )


def _about(table: Table) -> str:
    days = sorted(student.report.written[:10] for student in table.students)
    when = f"written on {days[0]}" if days[0] == days[-1] else f"written from {days[0]} to {days[-1]}"
    n = len(table.refused)
    refused = f" {n} file{'' if n == 1 else 's'} could not be used." if n else ""
    return f"{len(table.students)} report{'' if len(days) == 1 else 's'}, {when}.{refused}"


def _progress(table: Table) -> str:
    key = ", ".join(f"<b>{letter}</b> {word}" for letter, word in _LETTERS.items())
    head = ["name", "answers right", *table.topics]
    rows = [_student(student, table.topics) for student in table.students]
    return (
        f'<h2>Progress</h2>\n<p class="class-key">{key}; a small letter: begun.</p>\n'
        f"{_table(head, rows, 'students')}"
    )


def _student(student: Student, topics: Sequence[str]) -> list[str]:
    report = student.report
    done = {topic.topic: topic for topic in report.topics}
    named = f'{escape(report.name)}<span class="file">{escape(report.file)}</span>'
    right = f"{student.total('right')} of {student.total('answered')}"
    cells = []
    for topic in topics:
        letters = "".join(map(_mark, marks(done.get(topic))))
        told = escape(in_words(done.get(topic)) or "nothing yet", quote=True)
        cells.append(f'<span class="marks" role="img" aria-label="{told}" title="{told}">{letters}</span>')
    return [named, right, *cells]


def _mark(letter: str) -> str:
    if letter == "·":
        return letter
    return f'<b class="met">{letter}</b>' if letter == "M" else f"<b>{letter}</b>"


def _counted(title: str, what: str, reached: str, rows: Sequence[tuple[str, int, int]], of: str) -> str:
    """How far the class is with each, as a bar and in figures."""
    body = [
        [
            f"<code>{escape(name)}</code>",
            f'<span class="bar" aria-hidden="true"><i style="width:{round(100 * n / total)}%"></i></span>'
            f"{n} of {total}",
        ]
        for name, n, total in rows
    ]
    return f"<h2>{title}</h2>\n{_table([what, f'{reached}, of those who {of}'], body)}" if body else ""


def _mistakes(table: Table) -> str:
    body = [
        [f"<code>{escape(one.exercise)}</code>", escape(one.says), str(one.students)]
        for one in table.mistakes
    ]
    head = ["exercise", "mistake", "students"]
    return f"<h2>Common mistakes</h2>\n{_table(head, body)}" if body else ""


def _notes(table: Table) -> str:
    body = [[escape(student.label), escape(note)] for student in table.students for note in student.notes]
    return f"<h2>Worth a look</h2>\n{_table(['name', 'what'], body)}" if body else ""


def _runs(table: Table) -> str:
    """The hashes by which a run that is handed in is known."""
    body = [
        [
            escape(student.label), f"<code>{escape(run.recipe)}</code>",
            _MET[run.met],
            *(escape(run.hashes[name] or "-") for name in ("weights", "result", "metrics")),
        ]
        for student in table.students
        for run in student.report.runs
    ]  # fmt: skip
    if not body:
        return ""
    head = ["name", "recipe", "claims", "weights", "result", "metrics"]
    told = "The hashes are those that <code>atlas run show</code> tells of a run, wherever it was imported."
    inner = f"<summary>{len(body)} runs</summary>\n{_table(head, body)}"
    return f"<h2>Runs</h2>\n<p>{told}</p>\n<details>{inner}</details>"


def _refused(table: Table) -> str:
    body = [[f"<code>{escape(entry.file)}</code>", escape(entry.why)] for entry in table.refused]
    return f"<h2>Files that could not be used</h2>\n{_table(['file', 'why'], body)}" if body else ""


def _table(head: Iterable[str], rows: Sequence[Sequence[str]], kind: str = "") -> str:
    titles = "".join(f'<th scope="col">{escape(title)}</th>' for title in head)
    body = "\n".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return (
        f'<div class="table {kind}" tabindex="0" role="region" aria-label="{escape(kind or "table")}">'
        f"<table><thead><tr>{titles}</tr></thead>\n<tbody>{body}</tbody></table></div>"
    )
