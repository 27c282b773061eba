"""The files that a student works in: exercises/<topic>/<name>.py in the working folder.

What is there is never written over: to begin anew moves it aside.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path

from atlas_cli.exercises.cut import cut, wrapped
from atlas_cli.exercises.model import Exercise

FOLDER = Path("exercises")
_WIDTH = 88  # columns of the text in a file
_PAUSE_S = 0.3  # between two looks at the files


def file_of(exercise: Exercise) -> Path:
    """Where its work lies, seen from the working folder."""
    return FOLDER / exercise.topic / f"{exercise.name}.py"


def text_of(exercise: Exercise) -> str:
    """The file as it is handed out: task, equation and the function with a hole in it."""
    from atlas_cli.mathematics import text as formulas

    name = exercise.full_name
    equation = "\n".join(f"    {row}".rstrip() for row in formulas.block(exercise.equation, _WIDTH - 4))
    head = f"""{name}: {exercise.title}

{equation}

{wrapped(exercise.task, _WIDTH)}

    atlas exercise check {name}       is it right?
    atlas exercise hint {name}        the first of three hints
    atlas exercise watch {name}       checks at each save
"""
    part = cut(exercise)
    return f'"""{head}"""\n\n{part.filled(part.hole)}'


def start(exercise: Exercise) -> bool:
    """Write the file; False where there is one already, which stays as it is."""
    path, text = file_of(exercise), text_of(exercise)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        return False
    except OSError:  # a part of it would count as the student's work
        path.unlink(missing_ok=True)
        raise
    return True


def is_fresh(exercise: Exercise) -> bool:
    """Whether the file is as it was handed out."""
    return file_of(exercise).read_text(encoding="utf-8", errors="replace") == text_of(exercise)


def reset(exercise: Exercise) -> Path | None:
    """Begin anew; the work so far is moved aside, and where it lies now is returned. None: there was none."""
    path = file_of(exercise)
    aside = None
    if path.is_file() and not is_fresh(exercise):
        aside = next(
            other for n in count(1) if not (other := path.with_name(f"{path.stem}.before-{n}.py")).exists()
        )
        path.rename(aside)
    start(exercise)
    return aside


def started(exercises: list[Exercise]) -> list[Exercise]:
    """Those whose files are there, the one that was changed last first."""
    there = [exercise for exercise in exercises if file_of(exercise).is_file()]
    return sorted(there, key=lambda exercise: -file_of(exercise).stat().st_mtime)


def saves(exercises: list[Exercise]) -> Iterator[Exercise]:
    """Each exercise at once, if there is one alone, and whenever its file was saved since; it never ends.

    An editor may put a new file in the place of the old one: for a moment there is none.
    """
    seen = {} if len(exercises) == 1 else _stamps(exercises)
    while True:
        now = _stamps(exercises)
        changed = [e for e in exercises if e.full_name in now and now[e.full_name] != seen.get(e.full_name)]
        seen |= now
        yield from changed
        time.sleep(_PAUSE_S)


def _stamps(exercises: list[Exercise]) -> dict[str, int]:
    """When the file of each was changed last; those that are not there are left out."""
    stamps = {}
    for exercise in exercises:
        with suppress(OSError):
            stamps[exercise.full_name] = file_of(exercise).stat().st_mtime_ns
    return stamps
