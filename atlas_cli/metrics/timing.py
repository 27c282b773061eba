"""How long computations take beside each other."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TypeVar

Name = TypeVar("Name")


def least_seconds(runs: Mapping[Name, Callable[[], object]], rounds: int = 5) -> dict[Name, float]:
    """Processor time of each run, the least of several rounds.

    What other programs take is not counted, and a round runs everything once, so that what they leave of the
    caches and of the clock disturbs all alike.
    """
    least = dict.fromkeys(runs, float("inf"))
    for _ in range(rounds):
        for name, run in runs.items():
            began = time.process_time()
            run()
            least[name] = min(least[name], time.process_time() - began)
    return least
