"""Steps that are timed in turn, so that whatever slows the machine slows them all alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

WARM_UP = 2


def seconds(*steps: Callable[[], None], rounds: int = 12) -> list[float]:
    """The median time of each step, over rounds in which each is taken once."""
    taken: list[list[float]] = [[] for _ in steps]
    for _ in range(WARM_UP + rounds):
        for step, times in zip(steps, taken, strict=True):
            began = time.perf_counter()
            step()
            times.append(time.perf_counter() - began)
    return [statistics.median(times[WARM_UP:]) for times in taken]
