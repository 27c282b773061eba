"""How long computations take beside each other."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TypeVar

import torch

Name = TypeVar("Name")


_CPU = torch.device("cpu")


def wait_for(device: torch.device) -> None:
    """Return when the device has done all that it was given; a launch alone takes no time worth a figure."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def wall_clock(device: torch.device) -> float:
    """Seconds on a clock that is read when the device is done."""
    wait_for(device)
    return time.perf_counter()


def work_clock(device: torch.device) -> float:
    """Processor seconds on the CPU, where other programs do not count; wall seconds on an accelerator."""
    return time.process_time() if device.type == "cpu" else wall_clock(device)


def least_seconds(
    runs: Mapping[Name, Callable[[], object]], rounds: int = 5, device: torch.device = _CPU
) -> dict[Name, float]:
    """Time of each run by `work_clock`, the least of several rounds.

    On the CPU what other programs take is not counted. A round runs everything once, so that what they leave
    of caches and clock disturbs all alike.
    """
    least = dict.fromkeys(runs, float("inf"))
    for _ in range(rounds):
        for name, run in runs.items():
            began = work_clock(device)
            run()
            least[name] = min(least[name], work_clock(device) - began)
    return least
