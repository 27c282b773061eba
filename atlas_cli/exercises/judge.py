"""Judges a student's function: in a process of its own, which writes what it found into a file.

python -m atlas_cli.exercises.judge NAME FILE RESULT SECONDS
"""

from __future__ import annotations

import importlib
import inspect
import json
import linecache
import os
import sys
import threading
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from atlas_cli.exercises import find
from atlas_cli.exercises.cut import Cut, cut
from atlas_cli.exercises.model import Exercise, Function
from atlas_cli.exercises.outcomes import (
    CASES,
    Outcome,
    alike,
    apart,
    close,
    outcome,
    outcomes,
    said,
    same,
    shapes,
)

Found = dict[str, Any]


class Unusable(Exception):
    """The file cannot be judged: what is wrong, and in which of its lines."""

    def __init__(self, says: str, line: int | None = None) -> None:
        super().__init__(says)
        self.says, self.line = says, line


def judge(exercise: Exercise, text: str, path: str) -> Found:
    """What is to be said about a student's file.

    Args:
        exercise: Of which it is the work.
        text: The file.
        path: Its name, by which its lines are known in a traceback.
    """
    try:
        function = _function(cut(exercise), text, path)
    except Unusable as error:
        return {**_nothing(), "fault": fault(text, error.line, error.says)}
    return judge_function(exercise, function, text, path)


def judge_function(exercise: Exercise, function: Function, text: str, path: str) -> Found:
    """What is to be said of a student's function, wherever it was written; for the arguments see `judge`."""
    found = _nothing()
    done = outcomes(function, exercise)
    if any(isinstance(theirs.error, NotImplementedError) for theirs in done):
        return {**found, "empty": True}
    try:
        found["checks"] = _compared(exercise, function, done, path)
        found["right"] = all(check["passed"] for check in found["checks"])
    except Unusable as error:
        found["fault"] = fault(text, error.line, error.says)
    if not found["right"]:
        found["mistake"] = recognised(exercise, done)
    return found


def _nothing() -> Found:
    return {"right": False, "empty": False, "checks": [], "mistake": None, "fault": None}


def fault(text: str, line: int | None, says: str) -> Found:
    """What stopped the judging, with the student's line."""
    rows = text.splitlines()
    shown = rows[line - 1].strip() if line is not None and 0 < line <= len(rows) else ""
    return {"line": line, "text": shown, "says": says}


def reference(exercise: Exercise) -> Function:
    """The project's own function."""
    part = cut(exercise)
    holder: Any = importlib.import_module(exercise.module)
    for name in filter(None, (part.owner, part.function)):
        holder = inspect.getattr_static(holder, name)
    holder = getattr(holder, "fget", holder)  # a property's
    function: Function = getattr(holder, "__func__", holder)  # a static or class method's
    return function


def load(text: str, path: str, name: str) -> Function:
    """A function of a program; errors in its lines lead to `path`.

    Raises:
        SyntaxError: it is no Python.
        KeyError: it defines no such function.
    """
    module = types.ModuleType("exercise")
    module.__file__ = path
    linecache.cache[path] = (len(text), None, text.splitlines(keepends=True), path)
    sys.modules["exercise"] = module  # where a dataclass of the student's looks for itself
    exec(compile(text, path, "exec"), vars(module))
    function: Function = vars(module)[name]
    return function


def recognised(exercise: Exercise, done: list[Outcome]) -> str | None:
    """What the known mistake says that makes the same of every case; None: it is none of them."""
    part = cut(exercise)
    for number, mistake in enumerate(exercise.mistakes):
        wrong = load(part.mistaken(mistake), f"<mistake {number}>", part.function)
        if all(alike(theirs, outcome(wrong, exercise, case)) for case, theirs in enumerate(done)):
            return mistake.says
    return None


def line_of(error: BaseException, path: str) -> int | None:
    """The line of the student's file in which an error arose."""
    if isinstance(error, SyntaxError) and error.filename == path:
        return error.lineno
    line, trace = None, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == path:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def _function(part: Cut, text: str, path: str) -> Function:
    try:
        return load(text, path, part.function)
    except KeyError as error:
        if error.args == (part.function,):
            raise Unusable(f"there is no function {part.function} in it") from error
        raise Unusable(said(error), line_of(error, path)) from error
    except (Exception, SystemExit) as error:
        raise Unusable(said(error), line_of(error, path)) from error


def _compared(exercise: Exercise, function: Function, done: list[Outcome], path: str) -> list[Found]:
    for theirs in done:
        if theirs.error is not None:
            raise Unusable(said(theirs.error), line_of(theirs.error, path))
    wanted = outcomes(reference(exercise), exercise)
    for ours in wanted:
        if ours.error is not None:  # a fault of the exercise
            raise ours.error
    checks = _checks(done, wanted)
    if checks[0]["passed"]:
        checks[1:1] = list(_by_hand(exercise, function, path))
    return checks


def _checks(done: list[Outcome], wanted: list[Outcome]) -> list[Found]:
    """Shapes, then gradients and numbers on random inputs, which are looked at where the shapes are right."""
    mine, theirs = shapes(done[0].answer), shapes(wanted[0].answer)
    fits = all(shapes(a.answer) == shapes(b.answer) for a, b in zip(done, wanted, strict=True))
    checks = [_check("shapes", fits, theirs if fits else f"{mine} where {theirs} is wanted")]
    if not fits:
        return checks
    if any(b.slopes is not None for b in wanted):
        flows = all(same(a.slopes, b.slopes) for a, b in zip(done, wanted, strict=True))
        none = any(a.slopes is None and b.slopes is not None for a, b in zip(done, wanted, strict=True))
        says = "as in the atlas" if flows else "none flows back" if none else "they differ from the atlas's"
        checks.append(_check("gradients", flows, says))
    if not all(same(a.inputs, b.inputs) for a, b in zip(done, wanted, strict=True)):
        checks.append(_check("inputs", False, "the function changes what it was given"))
    far = max(apart(a.answer, b.answer) for a, b in zip(done, wanted, strict=True))
    wrong = [b for a, b in zip(done, wanted, strict=True) if not same(a.answer, b.answer)]
    says = (
        f"up to {far:.3g} from the atlas's, {_which(wrong)}"
        if wrong
        else f"{CASES} random cases as in the atlas"
    )
    return [*checks, _check("numbers", not wrong, says)]


def _which(wrong: list[Outcome]) -> str:
    """In how many of the random cases, and of what shapes are the inputs of the first of them."""
    return f"in {len(wrong)} of {CASES} random cases, the first with inputs of {shapes(wrong[0].inputs)}"


def _by_hand(exercise: Exercise, function: Function, path: str) -> Iterator[Found]:
    for case in exercise.by_hand:
        try:
            given, wanted = case(function)
        except Exception as error:
            raise Unusable(said(error), line_of(error, path)) from error
        right, what = close(given, wanted), " ".join((case.__doc__ or "").split()).rstrip(".")
        yield _check("by hand", right, what if right else f"{what}; yours: {_short(given)}")


def _short(value: Any) -> str:
    import torch

    if isinstance(value, torch.Tensor):
        value = value.detach().tolist()
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return f"[{', '.join(_short(inner) for inner in value)}]"
    return str(value)[:80]


def _check(name: str, passed: bool, says: str) -> Found:
    return {"name": name, "passed": bool(passed), "says": says}


def _write(result: Path, found: Found) -> None:
    temporary = result.with_suffix(".part")
    temporary.write_text(json.dumps(found), encoding="utf-8")
    os.replace(temporary, result)


def _guard(seconds: float, text: str, path: str, result: Path) -> None:
    """After so many seconds say in which of the student's lines the judging still is, and end."""
    main = threading.main_thread().ident

    def end() -> None:
        frame = sys._current_frames().get(main or 0)
        while frame is not None and frame.f_code.co_filename != path:
            frame = frame.f_back
        says = f"still at work after {seconds:g} seconds: does it end?"
        line = frame.f_lineno if frame is not None else None
        found = {"right": False, "empty": False, "checks": [], "mistake": None}
        _write(result, {**found, "fault": fault(text, line, says)})
        os._exit(0)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()


def main(name: str, file: str, result: str, seconds: str) -> None:
    """Judge a file and write what was found."""
    exercise = find.find(name)
    reference(exercise)  # torch and the system are there before the clock starts
    text = Path(file).read_text(encoding="utf-8", errors="replace")
    _guard(float(seconds), text, file, Path(result))
    _write(Path(result), judge(exercise, text, file))
    sys.stdout.flush()
    os._exit(0)  # whatever threads the student's code has started


if __name__ == "__main__":
    main(*sys.argv[1:])
