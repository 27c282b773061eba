"""Trains with a student's function: while the recipe runs, it stands wherever the project's stood."""

from __future__ import annotations

import functools
import importlib
import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from atlas_cli import catalog
from atlas_cli.errors import AtlasError
from atlas_cli.exercises.cut import cut
from atlas_cli.exercises.judge import line_of, load, reference
from atlas_cli.exercises.model import Exercise, Function
from atlas_cli.exercises.outcomes import said


@contextmanager
def in_place(exercise: Exercise, text: str, path: str) -> Iterator[list[str]]:
    """Inside, the project calls the function of a student's file.

    Args:
        exercise: Of which it is the work.
        text: The file, which has been judged.
        path: Its name.

    Yields:
        Where the function stands now, for tests.
    """
    part = cut(exercise)
    importlib.import_module(catalog.system_module(catalog.resolve(exercise.trains.partition("/")[0])))
    original = reference(exercise)
    if exercise.replaces:
        module, _, name = exercise.replaces.partition(":")
        original = getattr(importlib.import_module(f"atlas_cli.{module}"), name)
    new = _guarded(load(text, path, part.function), exercise, path)
    if part.owner and not exercise.replaces:
        holders = [getattr(sys.modules[exercise.module], part.owner)]
    else:
        holders = [module for name, module in sys.modules.items() if name.startswith("atlas_cli.")]
    places = [
        (holder, name, value)
        for holder in holders
        for name, value in list(vars(holder).items())
        if inspect.isfunction(value) and value is original
    ]
    for holder, name, _ in places:
        setattr(holder, name, new)
    try:
        yield [f"{holder.__name__}.{name}" for holder, name, _ in places]
    finally:
        for holder, name, value in places:
            setattr(holder, name, value)


def _guarded(function: Function, exercise: Exercise, path: str) -> Function:
    """The function; an error in it names the student's line and is no fault of the atlas."""

    @functools.wraps(function)
    def called(*arguments: Any, **named: Any) -> Any:
        try:
            return function(*arguments, **named)
        except AtlasError:
            raise
        except Exception as error:
            line = line_of(error, path)
            where = f"{path}, line {line}" if line is not None else path
            raise AtlasError(
                f"{where}: {said(error)}", f"atlas exercise check {exercise.full_name}"
            ) from error

    return called
