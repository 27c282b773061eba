"""What the verdicts in a result.json mean for `--check`. Imports no torch: finished runs are judged too.

A verdict is a mapping as engine.verdict.Verdict tells it: "metric", "passed" and "speed" among its fields.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from atlas_cli.errors import UsageError

NONE = "-"  # in place of a summary, where nothing was judged
Verdicts = Sequence[Mapping[str, Any]]


def counted(verdicts: Verdicts, speed: bool) -> list[Mapping[str, Any]]:
    """The verdicts that a check counts: bars on time only where `speed` asks for them."""
    return [verdict for verdict in verdicts if speed or not verdict.get("speed", False)]


def failed(verdicts: Verdicts, speed: bool) -> list[Mapping[str, Any]]:
    """The verdicts that a check counts and that do not hold."""
    return [verdict for verdict in counted(verdicts, speed) if verdict["passed"] is False]


def hold(verdicts: Verdicts, speed: bool, name: str) -> bool:
    """Whether every claim that counts holds.

    Args:
        verdicts: Of one run.
        speed: Whether bars on time count.
        name: What was judged, for the error.

    Raises:
        UsageError: none counts, or one was not judged, so that there is no answer.
    """
    counting = counted(verdicts, speed)
    if not counting:
        raise UsageError(
            f"--check: no claim of {name} was judged", "train it again: atlas train RECIPE --check"
        )
    unjudged = [str(verdict["metric"]) for verdict in counting if verdict["passed"] is None]
    if unjudged:
        raise UsageError(
            f"--check: {name} was trained without its ablation, so {', '.join(unjudged)} was not judged",
            "train it again without --no-ablate",
        )
    return all(bool(verdict["passed"]) for verdict in counting)


def summary(verdicts: Verdicts) -> str:
    """How many of the judged claims hold, in words: "3 of 4 hold", "-" where nothing was judged."""
    judged = [bool(verdict["passed"]) for verdict in verdicts if verdict["passed"] is not None]
    return f"{sum(judged)} of {len(judged)} hold" if judged else NONE
