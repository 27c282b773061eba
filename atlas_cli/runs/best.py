"""What the runs in ./runs say about the topics: which were trained here, and whether their claims held.

Reads run.json and result.json alone, so that the map is drawn without torch. What was imported was not
trained here.
"""

from __future__ import annotations

from typing import NamedTuple

from atlas_cli import catalog, files, paths
from atlas_cli.catalog import Topic

MET, NOT_MET, NOT_JUDGED = VERDICTS = ("claims met", "not met", "not judged")  # the best one first


class Trained(NamedTuple):
    """The run that speaks for a topic: the newest that met its claims, else the newest that was judged."""

    run: str
    verdict: str  # not judged: a recipe without claims, or a run that did not end
    held: int = 0  # claims that hold
    claims: int = 0


def best_of(topic: Topic) -> Trained | None:
    """What the best run of a topic came to; None where it was never trained here."""
    own = (name for name in catalog.runs_of(topic) if not _was_imported(name))
    runs = [_read(name) for name in sorted(own, key=_began)]
    return min(reversed(runs), key=lambda run: VERDICTS.index(run.verdict), default=None)


def _read(run: str) -> Trained:
    import json

    try:
        result = json.loads(files.read_text(paths.runs_dir() / run / "result.json"))
        passed = [bool(verdict["passed"]) for verdict in result.get("verdicts", [])]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # it runs still, or was cut short
        return Trained(run, NOT_JUDGED)
    if not passed:
        return Trained(run, NOT_JUDGED)
    return Trained(run, MET if all(passed) else NOT_MET, sum(passed), len(passed))


def _was_imported(run: str) -> bool:
    import json

    try:
        return bool(json.loads(files.read_text(paths.runs_dir() / run / "run.json")).get("imported"))
    except (OSError, ValueError, AttributeError):  # damaged: it counts by its folder's name
        return False


def _began(run: str) -> float:
    return (paths.runs_dir() / run / "run.json").stat().st_mtime  # it is written once, at the start
