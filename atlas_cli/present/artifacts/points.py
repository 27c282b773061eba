"""Points in the plane, over the real ones that they should lie among."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from atlas_cli.present import pictures
from atlas_cli.present.artifacts.base import Drawn


@dataclass(frozen=True, eq=False)
class Points(Drawn):
    """A scatter plot.

    Attributes:
        points: (N, 2).
        backdrop: (M, 2) real points to compare with, drawn behind.
        frames: The path from noise to sample, each like `points`; saved as a GIF.
    """

    points: np.ndarray
    backdrop: np.ndarray | None = None
    frames: list[np.ndarray] = field(default_factory=list)

    def picture(self) -> np.ndarray:
        return pictures.scatter(self.points, self.backdrop)

    def animation(self) -> list[np.ndarray]:
        if len(self.frames) < 2:
            return []
        return [pictures.scatter(frame, self.backdrop) for frame in pictures.thinned(self.frames)]

    def describe(self) -> str:
        over = f" over {len(self.backdrop)} real ones" if self.backdrop is not None else ""
        return f"{len(self.points)} points in the plane{over}"
