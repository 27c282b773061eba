"""When a question comes back: Leitner's boxes, in which what is known waits longer each time.

A right answer moves a question up a box, a wrong one back to the first. Days begin at midnight where the
learner is, so that what was answered at noon is due the next morning and not at the next noon.
"""

from __future__ import annotations

import time

from atlas_cli.learner.progress import AGAIN_S, Deed, Progress

DAYS = (0, 1, 3, 7, 16, 35, 90)  # what a box waits
_AT_ONCE = 2  # the box of what was right the first time


def moved(before: Deed | None, right: bool, hints: int) -> int:
    """The box of a question that was answered just now.

    Args:
        before: The last answer to it.
        hints: How many were taken; a right answer after one stays where it is.
    """
    if not right:
        return 0
    if hints:
        return max(1, _box(before)) if before else 1
    return min(_box(before) + 1, len(DAYS) - 1) if before else _AT_ONCE


def due_at(answer: Deed) -> float:
    """When the question of an answer comes back, in seconds since 1970."""
    box = _box(answer)
    if box == 0:
        return answer.last + AGAIN_S
    day = time.localtime(answer.last)
    return time.mktime((day.tm_year, day.tm_mon, day.tm_mday + DAYS[box], 0, 0, 0, 0, 0, -1))


def due(progress: Progress, now: float) -> list[Deed]:
    """The answers whose questions are due, the longest waiting first."""
    answers = (deed for deed in progress.deeds if deed.kind == "answered")
    return sorted((deed for deed in answers if due_at(deed) <= now), key=due_at)


def _box(answer: Deed | None) -> int:
    box = answer.facts.get("box") if answer else 0
    return max(0, min(box, len(DAYS) - 1)) if isinstance(box, int) else 0
