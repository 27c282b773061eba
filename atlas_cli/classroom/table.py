"""Thirty reports side by side: who did what, which claims hold, which mistakes are common."""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from atlas_cli import catalog
from atlas_cli.classroom import received
from atlas_cli.classroom.received import Report, RunDone, TopicDone
from atlas_cli.errors import UsageError

MOST_FILES = 2000
_OURS = (".csv", ".html", ".atlas")  # what the table itself, or a run that was handed in, is written to
_HASHES = ("result", "weights", "metrics")  # of which two trainings never share all: they hold times


class Refused(NamedTuple):
    """A file that is no report, and why."""

    file: str
    why: str


class Student(NamedTuple):
    """A report with what tells it from others of its name, and what is worth a look."""

    label: str
    report: Report
    notes: tuple[str, ...]

    def total(self, what: str) -> int:
        """Topics, questions, exercises or trainings, summed over the topics."""
        return sum(int(getattr(topic, what)) for topic in self.report.topics)


class Row(NamedTuple):
    """How many of the class have something, of how many that tried it."""

    name: str
    reached: int
    of: int


class Mistake(NamedTuple):
    """One that was recognised, and in how many students' work."""

    exercise: str
    says: str
    students: int


class Table(NamedTuple):
    """The class, by name."""

    students: tuple[Student, ...]
    topics: tuple[str, ...]  # that anybody touched, in reading order
    claims: tuple[Row, ...]  # recipes: claims met, of those who trained
    exercises: tuple[Row, ...]  # solved, of those who tried
    mistakes: tuple[Mistake, ...]  # the most common first
    refused: tuple[Refused, ...]


def collect(folder: Path) -> Table:
    """All reports in a folder and in those below it.

    Raises:
        UsageError: there is no such folder, or it holds far too many files.
    """
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}", "atlas class collect FOLDER")
    reports: list[Report] = []
    refused: list[Refused] = []
    for path in _files(folder):
        shown = path.relative_to(folder).as_posix()
        try:
            reports.append(_new(received.read(path, shown), reports))
        except ValueError as error:
            refused.append(Refused(shown, str(error)))
    return table(reports, refused)


def _files(folder: Path) -> list[Path]:
    """What may be a report, hidden files and tables aside; links to folders are not followed."""
    found: list[Path] = []
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__MACOSX")))
        found += [
            Path(place, name) for name in names if not name.startswith(".") and not name.endswith(_OURS)
        ]
        if len(found) > MOST_FILES:
            raise UsageError(
                f"{folder} holds more than {MOST_FILES:,} files", "name the folder with the reports alone"
            )
    return sorted(found)


def _new(report: Report, known: Sequence[Report]) -> Report:
    for other in known:
        if other.digest == report.digest:
            raise ValueError(f"it is the same report as {other.file}")
    return report


def table(reports: Sequence[Report], refused: Sequence[Refused] = ()) -> Table:
    """The reports by name, and what they come to together."""
    ordered = sorted(reports, key=lambda report: (_key(report.name), report.written, report.file))
    namesakes = Counter(_key(report.name) for report in ordered)
    students = tuple(
        Student(
            report.name if namesakes[_key(report.name)] == 1 else f"{report.name} ({report.file})",
            report, tuple(_notes(report, ordered)),
        )
        for report in ordered
    )  # fmt: skip
    touched = {topic.topic for report in ordered for topic in report.topics}
    order = [topic.slug for topic in catalog.topics()]
    topics = sorted(touched, key=lambda slug: (order.index(slug) if slug in order else len(order), slug))
    return Table(
        students, tuple(topics), tuple(_claims(ordered)), tuple(_exercises(ordered)),
        tuple(_mistakes(ordered)), tuple(refused),
    )  # fmt: skip


def _key(name: str) -> str:
    """By which names are sorted and compared: without capitals and accents."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


def _claims(reports: Sequence[Report]) -> Iterator[Row]:
    """Recipes that were trained, runs that were imported aside."""
    own = [{run.recipe: run for run in report.runs if not run.imported} for report in reports]
    for recipe in sorted({name for runs in own for name in runs}):
        trained = [runs[recipe] for runs in own if recipe in runs]
        yield Row(recipe, sum(run.met is True for run in trained), len(trained))


def _exercises(reports: Sequence[Report]) -> Iterator[Row]:
    tried = [{done.exercise: done.solved for done in report.exercises} for report in reports]
    for name in sorted({name for one in tried for name in one}):
        yield Row(name, sum(one.get(name, False) for one in tried), sum(name in one for one in tried))


def _mistakes(reports: Sequence[Report]) -> list[Mistake]:
    made = Counter(
        (done.exercise, says) for report in reports for done in report.exercises for says in done.mistakes
    )
    return sorted((Mistake(*key, n) for key, n in made.items()), key=lambda m: (-m.students, *m[:2]))


# --- what is worth a look ----------------------------------------------------------------------------


def _notes(report: Report, every: Sequence[Report]) -> Iterator[str]:
    """What does not fit together, or is another's."""
    for run in report.runs:
        if run.imported:
            yield f"{run.recipe}: the run was imported from elsewhere"
        if run.as_trained is False:
            yield f"{run.recipe}: the files of the run have changed since it was trained"
        for other in every:
            if other is not report and any(_same(run, theirs) for theirs in other.runs):
                yield f"{run.recipe}: the same run as {other.name}'s ({other.file})"
    shown = {run.topic for run in report.runs if run.met and run.hashes["result"]}
    for topic in report.topics:
        if topic.met and topic.topic not in shown:
            yield f"{topic.topic}: claims met, and no run is there that shows it"


def _same(run: RunDone, other: RunDone) -> bool:
    return all(run.hashes[name] and run.hashes[name] == other.hashes[name] for name in _HASHES)


def marks(topic: TopicDone | None) -> str:
    """What was done on a topic in five letters: read, answered, coded, trained, met; small: begun."""
    if topic is None:
        return "·····"
    return "".join(
        [
            "R" if topic.read else "·", _part("a", topic.answered, topic.questions),
            _part("c", topic.coded, topic.exercises), "T" if topic.trained else "·",
            "M" if topic.met else "·",
        ]
    )  # fmt: skip


def _part(letter: str, done: int, of: int) -> str:
    return "·" if not done else letter.upper() if done == of else letter


def in_words(topic: TopicDone | None) -> str:
    """The same in words."""
    if topic is None:
        return ""
    done = ["read"] if topic.read else []
    if topic.answered:
        done.append(f"{topic.answered} of {topic.questions} answered ({topic.right} right)")
    done += [f"{topic.coded} of {topic.exercises} coded"] if topic.coded else []
    return ", ".join([*done, *(["trained"] if topic.trained else []), *(["met"] if topic.met else [])])
