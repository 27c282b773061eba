"""The files that a student works in: exercises/<topic>/<name>.py in the working folder.

What is there is never written over: to begin anew moves it aside.
"""

from __future__ import annotations

from itertools import count
from pathlib import Path

from atlas_cli.exercises.cut import cut, wrapped
from atlas_cli.exercises.model import Exercise

FOLDER = Path("exercises")
_WIDTH = 88  # columns of the text in a file


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
    path = file_of(exercise)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text_of(exercise))
    except FileExistsError:
        return False
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
