"""What one student hands in: what was read, answered, coded, trained and met, as one small file.

    {"atlas_report": 1, "note": ..., "name": "Anna", "written": ..., "atlas": ..., "goal": ...,
     "topics": [...], "exercises": [...], "runs": [...], "digest": ...}

The digest is of all before it, so that a file that was edited is known. The hashes of a run are those that
`atlas run show` tells of it, wherever it is imported, so that a figure that a run came to is told from one
that was typed. Who can read this can write such a file from nothing: it is no proof, and says so.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from atlas_cli import __version__, catalog
from atlas_cli.catalog import Topic
from atlas_cli.errors import AtlasError
from atlas_cli.exercises import find
from atlas_cli.learner import goals, progress
from atlas_cli.learner.path import entries_on, milestones
from atlas_cli.learner.progress import Deed, Progress
from atlas_cli.runs import hashes
from atlas_cli.runs.durable import strict
from atlas_cli.runs.folder import RunFolder

FORMAT = 1
LONGEST = 400  # letters of a text
_LARGEST = 1e300  # of a figure
NOTE = (
    "What atlas kept on this student's machine. The digest tells whether the file was edited since, and the "
    "hashes of a run whether a figure is that of the run: compare them with atlas run show. It is no proof "
    "against forgery: whoever can write a program can write this file."
)
_DEEDS = ("read", "guessed", "turned", "answered", "tried", "mistaken", "coded", "trained", "met", "looked")


def document(name: str) -> dict[str, Any]:
    """The report of who learned on this machine.

    Args:
        name: What the student is called.
    """
    known = progress.load()
    body = {
        "atlas_report": FORMAT, "note": NOTE, "name": name, "written": progress.written(time.time()),
        "atlas": __version__, "goal": goals.of(known).slug,
        "topics": [_topic(topic, known) for topic in catalog.topics() if _was_met_with(topic, known)],
        "exercises": [*_exercises(known)],
        "runs": [_run(deed) for deed in known.deeds if deed.kind == "trained"],
    }  # fmt: skip
    return {**strict(body), "digest": digest(strict(body))}


def digest(body: Mapping[str, Any]) -> str:
    """Of a report without its digest, whatever blanks and order of fields its file has."""
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def text_of(report: Mapping[str, Any]) -> str:
    """The file, for people to read as well."""
    return json.dumps(report, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def can_be_shown(text: str) -> bool:
    """Whether all of it can be seen; what joins letters, as in Persian names, belongs to them."""
    return bool(text) and all(letter.isprintable() or letter in "\u200c\u200d" for letter in text)


def _was_met_with(topic: Topic, known: Progress) -> bool:
    return any(deed.kind in _DEEDS for deed in known.of(topic.slug))


def _topic(topic: Topic, known: Progress) -> dict[str, Any]:
    reached, deeds = milestones(topic, known), known.of(topic.slug)
    ids = {entry.id for entry in entries_on(topic)}
    answers = [deed for deed in deeds if deed.kind == "answered" and deed.what in ids]
    exercises = {exercise.name for exercise in find.of(topic)}
    return {
        "topic": topic.slug, "family": topic.family, "read": reached["read"],
        "questions": len(ids), "answered": len(answers),
        "right": sum(deed.facts.get("right") is True for deed in answers),
        "guesses": sum(deed.kind == "guessed" for deed in deeds),
        "exercises": len(exercises),
        "coded": len(exercises & {deed.what for deed in deeds if deed.kind == "coded"}),
        "trained": known.has("trained", topic.slug), "met": known.has("met", topic.slug),
        "first": progress.written(min(deed.first for deed in deeds)),
        "last": progress.written(max(deed.last for deed in deeds)),
    }  # fmt: skip


def _exercises(known: Progress) -> Iterator[dict[str, Any]]:
    """Those that were checked, with the mistakes that were recognised in them."""
    slugs = {topic.slug for topic in catalog.topics()}
    of_kind = {kind: [d for d in known.deeds if d.kind == kind and d.topic in slugs] for kind in _DEEDS}
    solved = {(deed.topic, deed.what) for deed in of_kind["coded"]}
    checks = {(deed.topic, deed.what): deed.times for deed in of_kind["tried"]}
    for topic, name in dict.fromkeys([*checks, *sorted(solved)]):
        mistakes = [
            {"says": _clean(deed.facts.get("says", "")), "times": deed.times}
            for deed in of_kind["mistaken"]
            if deed.topic == topic and deed.what.rpartition("/")[0] == name
        ]
        yield {
            "exercise": f"{topic}/{name}", "solved": (topic, name) in solved,
            "checks": checks.get((topic, name), 0), "mistakes": mistakes,
        }  # fmt: skip


def _run(deed: Deed) -> dict[str, Any]:
    """The run of a training that was kept, as its files are now; where it is gone, as it was kept."""
    path, kept = Path(str(deed.facts.get("run", ""))), deed.facts.get("hashes")
    told = {
        "recipe": _clean(deed.what), "topic": deed.topic, "run": _clean(path.name),
        "trained": progress.written(deed.last),
        "met": deed.facts.get("met") if isinstance(deed.facts.get("met"), bool) else None,
    }  # fmt: skip
    before = {name: _hash(kept, name) for name in ("recipe", "weights", "result", "metrics")}
    run = RunFolder(path)
    try:
        now, result = hashes.of(run), run.result or {}
        facts = {
            "status": run.status,
            "imported": run.imported is not None,
            "tags": [_clean(tag) for tag in run.tags],
        }
    except (AtlasError, OSError):
        gone = {"status": "gone", "imported": False, "tags": [], "claims": []}
        return {**told, **gone, "hashes": before, "as_trained": None}
    verdicts = result.get("verdicts")
    claims = [_claim(v) for v in verdicts if isinstance(v, dict)] if isinstance(verdicts, list) else []
    as_trained = now == before if any(before.values()) else None
    return {**told, **facts, "claims": claims, "hashes": now, "as_trained": as_trained}


def _hash(kept: Any, name: str) -> str | None:
    value = kept.get(name) if isinstance(kept, dict) else None
    return value if isinstance(value, str) else None


def _claim(verdict: Mapping[str, Any]) -> dict[str, Any]:
    """A claim and its figure, of whatever somebody made of the file."""
    figure, passed = verdict.get("figure"), verdict.get("passed")
    return {
        "metric": _clean(verdict.get("metric", "")), "bar": _clean(verdict.get("bar", "")),
        "figure": float(figure) if isinstance(figure, (int, float)) and abs(figure) < _LARGEST else None,
        "passed": passed if isinstance(passed, bool) else None,
    }  # fmt: skip


def _clean(text: object) -> str:
    """A text of a size and of letters that whoever collects reports takes."""
    plain = " ".join(str(text).split())
    return "".join(letter if can_be_shown(letter) else "?" for letter in plain)[:LONGEST]
