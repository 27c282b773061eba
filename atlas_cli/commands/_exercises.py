"""What `atlas exercise` puts on the screen: lists, tasks, and what the judge found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from rich.text import Text

from atlas_cli.screen.lines import hang, indent, wrap
from atlas_cli.screen.terminal import out, show, text_width

if TYPE_CHECKING:
    from atlas_cli.exercises.model import Exercise
    from atlas_cli.screen.lines import Lines

MARGIN = 2
SOLVED, STARTED, NEW = "solved", "started", "new"
_MARKS = {SOLVED: ("✓", "atlas.good"), STARTED: ("·", "atlas.accent"), NEW: (" ", "")}
_MOST_PRINTED = 10  # lines of what the student's code prints


def state(exercise: Exercise) -> str:
    """How far the learner is with it."""
    from atlas_cli.exercises.work import file_of
    from atlas_cli.learner import progress

    if progress.load().has("coded", exercise.topic, exercise.name):
        return SOLVED
    return STARTED if file_of(exercise).is_file() else NEW


def as_dict(exercise: Exercise) -> dict[str, Any]:
    """What is said of an exercise in every document."""
    from atlas_cli.exercises.cut import wrapped
    from atlas_cli.exercises.work import file_of

    return {
        "exercise": exercise.full_name, "title": exercise.title, "file": str(file_of(exercise)),
        "task": wrapped(exercise.task), "equation": exercise.equation, "trains": exercise.trains or None,
    }  # fmt: skip


def show_list(exercises: Sequence[Exercise]) -> None:
    """A line an exercise, and how many of them are solved."""
    longest = max(len(exercise.full_name) for exercise in exercises)
    lines, done, topic = [], 0, ""
    for exercise in exercises:
        now = state(exercise)
        done += now == SOLVED
        if topic and exercise.topic != topic:
            lines.append(Text())
        topic = exercise.topic
        mark, style = _MARKS[now]
        row = Text.assemble((mark, style), " ", (exercise.full_name, "atlas.code"))
        column = longest + 5
        trained = Text("  trains", "atlas.muted") if exercise.trains else Text()
        titles = wrap(Text(exercise.title) + trained, max(20, text_width() - MARGIN - column))
        lines += hang(row, titles, column)
    lines += [Text(), Text(f"{done} of {len(exercises)} solved", "atlas.head")]
    show(indent(lines, MARGIN))


def show_task(exercise: Exercise) -> None:
    """Title, equation and task, as they stand in the file."""
    from atlas_cli.exercises.cut import wrapped
    from atlas_cli.mathematics import text as formulas
    from atlas_cli.screen.terminal import ascii_only

    width = text_width() - MARGIN
    lines: Lines = [Text(), Text.assemble((exercise.full_name, "atlas.title"), f"  {exercise.title}"), Text()]
    equation = formulas.block(exercise.equation, width - 4, ascii=ascii_only())
    lines += [Text(f"    {row}", "atlas.code") for row in equation]
    for paragraph in wrapped(exercise.task, 10_000).split("\n\n"):
        lines += [Text(), *rendered(paragraph, width)]
    show(indent([*lines, Text()], MARGIN))


def show_found(found: dict[str, Any]) -> None:
    """What the judge says: each check, what stopped it, the mistake that it knows."""
    width = text_width() - MARGIN
    lines: Lines = [
        Text(),
        Text.assemble((found["exercise"], "atlas.title"), (f"  {found['file']}", "atlas.muted")),
    ]
    if found["empty"]:
        lines += [Text(), Text("Nothing is written yet: your lines go where the file says so.")]
    if found["fault"]:
        lines += [Text(), *_fault(found["fault"], width)]
    if found["checks"]:
        lines += [Text(), *(line for check in found["checks"] for line in _check(check, width))]
    if found["mistake"]:
        said = found["mistake"][0].upper() + found["mistake"][1:] + "."
        lines += [Text(), *wrap(Text(said, "atlas.mark"), width)]
    if found["right"]:
        lines += [Text(), Text("Right.", "atlas.good")]
    lines += _printed(found["printed"], width)
    show(indent([*lines, Text()], MARGIN))


def _check(check: dict[str, Any], width: int) -> Lines:
    mark, style = ("✓", "atlas.good") if check["passed"] else ("✗", "atlas.bad")
    name = Text.assemble((mark, style), " ", check["name"])
    return hang(name, wrap(Text(check["says"], "atlas.muted" if check["passed"] else ""), width - 13), 13)


def _fault(fault: dict[str, Any], width: int) -> Lines:
    lines: Lines = []
    if fault["line"] is not None:
        code = wrap(Text(fault["text"], "atlas.code"), width - 11)
        lines += hang(Text(f"line {fault['line']}", "atlas.muted"), code, 11)
    return [*lines, *wrap(Text(fault["says"], "atlas.bad"), width)]


def _printed(text: str, width: int) -> Lines:
    """The first of what the student's code printed."""
    rows = text.splitlines()
    if not rows:
        return []
    more = [f"... and {len(rows) - _MOST_PRINTED} lines more"] if len(rows) > _MOST_PRINTED else []
    shown = (row[: width - 2] for row in [*rows[:_MOST_PRINTED], *more])
    return [Text(), Text("It printed", "atlas.muted"), *(Text(f"  {row}") for row in shown)]


def show_code(where: str, code: str, first_line: int) -> None:
    """Lines of a program with their numbers."""
    from atlas_cli.screen.highlight import highlight

    last = first_line + code.count("\n")
    column = len(str(last)) + 2
    lines: Lines = [Text(), Text(where, "atlas.muted")]
    rows: Iterable[Text] = highlight(code.rstrip("\n"), "python").split("\n", allow_blank=True)
    for number, row in enumerate(rows, start=first_line):
        mark = Text(f"{number:>{column - 2}}", "atlas.muted")
        lines += hang(mark, wrap(row, max(20, out.width - column - MARGIN)), column)
    show(indent([*lines, Text()], MARGIN))


def rendered(markdown: str, width: int) -> Lines:
    """Plain words with code and formulas in them."""
    from atlas_cli.pages.text import Renderer

    return Renderer(width, lambda name, room: []).render(markdown)
