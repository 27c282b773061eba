"""Reports as they come in: from anybody, so that nothing in them is believed before it was looked at."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from atlas_cli import files
from atlas_cli.classroom.report import FORMAT, LONGEST, can_be_shown, digest

MOST = 2 * 1024 * 1024  # bytes; a report of everything that the atlas has takes a tenth
_MANY = 2000  # entries of a list
_HASH = re.compile(r"[0-9a-f]{1,64}")
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
T = TypeVar("T")


class TopicDone(NamedTuple):
    """What was done on a topic; the numbers are of those that there are."""

    topic: str
    family: str
    read: bool
    questions: int
    answered: int
    right: int
    exercises: int
    coded: int
    trained: bool
    met: bool


class ExerciseDone(NamedTuple):
    """An exercise that was checked; `mistakes` says each that was recognised."""

    exercise: str
    solved: bool
    checks: int
    mistakes: tuple[str, ...]


class Claim(NamedTuple):
    """A claim of a run, with its figure."""

    metric: str
    bar: str
    figure: float | None
    passed: bool | None


class RunDone(NamedTuple):
    """A training, and the hashes that tell its run from others.

    Attributes:
        as_trained: Whether its files are as they were when it ended; None: that was not kept.
    """

    recipe: str
    topic: str
    run: str
    status: str
    met: bool | None
    imported: bool
    as_trained: bool | None
    claims: tuple[Claim, ...]
    hashes: Mapping[str, str | None]


class Report(NamedTuple):
    """A student's, as it was read."""

    file: str
    name: str
    written: str
    atlas: str
    digest: str
    topics: tuple[TopicDone, ...]
    exercises: tuple[ExerciseDone, ...]
    runs: tuple[RunDone, ...]


def read(path: Path, shown: str = "") -> Report:
    """The report in a file.

    Args:
        path: The file.
        shown: What it is called; "": by its name.

    Raises:
        ValueError: it holds none, or one that was changed; the text says which.
    """
    if path.is_symlink():
        raise ValueError("it is a link, and was not followed")
    try:
        document = json.loads(files.read_text(path, MOST))
    except OSError as error:
        raise ValueError(str(error.strerror or error)) from error
    except (ValueError, RecursionError):  # no JSON, no UTF-8, brackets without end
        raise ValueError("it is no JSON, or is damaged") from None
    if not isinstance(document, dict) or "atlas_report" not in document:
        raise ValueError("it is no report of atlas")
    if document["atlas_report"] != FORMAT:
        version = str(document["atlas_report"])[:20]
        raise ValueError(f"it has the format {version}, and this atlas reads {FORMAT}")
    try:
        body = {name: value for name, value in document.items() if name != "digest"}
        if digest(body) != document.get("digest"):
            raise ValueError("it was changed after it was written: its digest does not fit")
        return _report(document, shown or path.name)
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"a field is missing or of the wrong kind: {error}") from error


def _report(document: Mapping[str, Any], file: str) -> Report:
    name = unicodedata.normalize("NFC", " ".join(_text(document["name"]).split()))
    if not name:
        raise ValueError("it has no name")
    written = _text(document["written"])
    if not _STAMP.fullmatch(written):
        raise ValueError("it does not say when it was written")
    return Report(
        file, name, written, _text(document["atlas"]), document["digest"],
        _all(document["topics"], _topic), _all(document["exercises"], _exercise),
        _all(document["runs"], _run),
    )  # fmt: skip


def _topic(entry: Mapping[str, Any]) -> TopicDone:
    questions, exercises = _count(entry["questions"]), _count(entry["exercises"])
    answered = min(_count(entry["answered"]), questions)
    return TopicDone(
        _text(entry["topic"]), _text(entry["family"]), _flag(entry["read"]), questions, answered,
        min(_count(entry["right"]), answered), exercises, min(_count(entry["coded"]), exercises),
        _flag(entry["trained"]), _flag(entry["met"]),
    )  # fmt: skip


def _exercise(entry: Mapping[str, Any]) -> ExerciseDone:
    mistakes = _all(entry["mistakes"], lambda mistake: _text(mistake["says"]))
    return ExerciseDone(
        _text(entry["exercise"]), _flag(entry["solved"]), _count(entry["checks"]),
        tuple(dict.fromkeys(mistakes)),
    )  # fmt: skip


def _run(entry: Mapping[str, Any]) -> RunDone:
    known = entry["hashes"]
    hashes = {name: None if known[name] is None else _hash(known[name])
              for name in ("recipe", "weights", "result", "metrics")}  # fmt: skip
    return RunDone(
        _text(entry["recipe"]), _text(entry["topic"]), _text(entry["run"]), _text(entry["status"]),
        _maybe(entry["met"]), _flag(entry["imported"]), _maybe(entry["as_trained"]),
        _all(entry["claims"], _claim), hashes,
    )  # fmt: skip


def _claim(entry: Mapping[str, Any]) -> Claim:
    figure = entry["figure"]
    if figure is not None and not (type(figure) in (int, float) and math.isfinite(figure)):
        raise TypeError("a figure is no number")
    return Claim(_text(entry["metric"]), _text(entry["bar"]), figure, _maybe(entry["passed"]))


def _all(value: Any, one: Callable[[Mapping[str, Any]], T]) -> tuple[T, ...]:
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise TypeError("a list is none")
    if len(value) > _MANY:
        raise TypeError(f"a list has {len(value):,} entries")
    return tuple(one(entry) for entry in value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("a text is none")
    if len(value) > LONGEST:
        raise TypeError(f"a text has {len(value):,} letters")
    if value and not can_be_shown(value):
        raise TypeError("a text holds letters that cannot be seen")
    return value


def _hash(value: Any) -> str:
    if not _HASH.fullmatch(_text(value)):
        raise TypeError("a hash is none")
    return str(value)


def _count(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 10_000_000:
        raise TypeError("a number is none")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError("a yes or no is neither")
    return value


def _maybe(value: Any) -> bool | None:
    return None if value is None else _flag(value)
