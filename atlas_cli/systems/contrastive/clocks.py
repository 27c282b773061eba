"""Times beside each other, by the median of rounds in which all take turns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import median

import torch

from atlas_cli.metrics.timing import work_clock


def median_seconds(
    runs: Mapping[str, Callable[[], None]], rounds: int, device: torch.device
) -> dict[str, float]:
    """Time of each run, the median of rounds in which all take turns, after one that is not counted."""
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds + 1):
        for name, run in runs.items():
            began = work_clock(device)
            run()
            taken[name].append(work_clock(device) - began)
    return {name: median(values[1:]) for name, values in taken.items()}
