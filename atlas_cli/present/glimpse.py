"""A look at a training while it lasts, and where its samples lie."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from atlas_cli.present.artifacts.base import Artifact

FOLDER = "training"  # below a run's samples


@dataclass(frozen=True)
class Glimpse:
    """What a system made after a step.

    Attributes:
        step: Steps done.
        artifact: A small sample.
        held_out: The loss on held-out data; None where the system has none.
        files: Where the sample was saved.
    """

    step: int
    artifact: Artifact
    held_out: float | None = None
    files: list[Path] = field(default_factory=list)
