"""What a checkpoint holds, and whether a training can go on from it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from atlas_cli.runs import rng
from atlas_cli.runs.finite import not_finite


@dataclass(frozen=True)
class TrainState:
    """All that a run needs to go on as if it had never stopped.

    Attributes:
        step: Steps done.
        ema: Averaged weights, if the recipe asks for them.
        optimizers: `state_dict()` of every optimizer by name.
        rng: What `capture_rng` returned.
        info: Plain data: metrics, seconds trained, recipe hash.
    """

    step: int
    weights: dict[str, Tensor]
    ema: dict[str, Tensor] | None
    optimizers: dict[str, dict[str, Any]]
    rng: dict[str, Tensor]
    info: dict[str, Any]


def fault(state: TrainState) -> tuple[str, str] | None:
    """The file that holds what no training can go on from, and what that is; None where all is good."""
    for stem, tensors in (("weights", state.weights), ("ema", state.ema or {})):
        bad = not_finite(tensors)  # nothing saves it any more; a run of an earlier version may hold it
        if bad is not None:
            return f"{stem}.safetensors", f"holds NaN or infinity in {bad}"
    if not rng.usable(state.rng):
        return "rng.safetensors", "holds no states of random generators"
    if state.step < 0:
        return "state.json", f"says {state.step} steps were done"
    if not _told(state.info):
        return "state.json", "does not hold figures where they belong"
    return None


def _told(info: Any) -> bool:
    """Whether the metrics are figures, and the seconds a duration."""
    metrics = info.get("metrics", {}) if isinstance(info, dict) else None
    if not isinstance(metrics, dict):
        return False
    figures = all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in metrics.values())
    seconds = metrics.get("seconds", 0.0)
    return figures and math.isfinite(seconds) and seconds >= 0
