"""What two ways to the same end cost beside each other, in one run: seconds in turn, and operations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import torch
from torch.utils.flop_counter import FlopCounterMode

from atlas_cli.metrics.timing import wall_clock

Name = TypeVar("Name")


def laps(
    runs: Mapping[Name, Callable[[], object]], rounds: int, device: torch.device
) -> list[dict[Name, float]]:
    """Seconds of each run, round by round; all take their turn in a round, so that they meet the same load.

    One more round comes first and is thrown away: it warms up.
    """
    found = []
    for _ in range(1 + rounds):
        lap = {}
        for name, run in runs.items():
            began = wall_clock(device)
            run()
            lap[name] = wall_clock(device) - began
        found.append(lap)
    return found[1:]


def operations(run: Callable[[], object]) -> int:
    """Multiplications and additions in the convolutions, linear maps and attention of a run."""
    with FlopCounterMode(display=False) as counter:
        run()
    return counter.get_total_flops()
