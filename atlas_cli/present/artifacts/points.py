"""Points in the plane, over the real ones that they should lie among."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from atlas_cli.present import pictures
from atlas_cli.present.artifacts.base import GLANCE_PIXELS, TERMINAL_COLUMNS, Drawn

SHOWN_POINTS = 1000  # of a cloud: fewer do not tell how they lie


@dataclass(frozen=True, eq=False)
class Points(Drawn):
    """A scatter plot.

    Attributes:
        points: (N, 2).
        backdrop: (M, 2) real points to compare with, drawn behind.
        moves: What the GIF of `frames` shows.
        frames: The path from noise to sample, each like `points`; saved as a GIF.
    """

    points: np.ndarray
    backdrop: np.ndarray | None = None
    frames: list[np.ndarray] = field(default_factory=list)
    moves: str = field(default="the way to them", kw_only=True)

    def picture(self) -> np.ndarray:
        return pictures.labelled(pictures.scatter(self.points, self.backdrop), self._legend())

    def _legend(self) -> list[tuple[str, pictures.Colour]]:
        made = [(f"made: {len(self.points):,}", pictures.MADE)]
        real = [(f"real: {len(self.backdrop):,}", pictures.REAL)] if self.backdrop is not None else []
        return made + real

    def for_terminal(self, width: int) -> np.ndarray:
        """Drawn at the size of the terminal's own pixels: shrunken dots would fade."""
        return pictures.scatter(self.points, self.backdrop, min(width, TERMINAL_COLUMNS))

    def glance(self, width: int) -> np.ndarray:
        return pictures.scatter(self.points, self.backdrop, min(width, GLANCE_PIXELS))

    def still(self) -> Points:
        return replace(self, frames=[])

    def animation(self) -> list[np.ndarray]:
        if len(self.frames) < 2:
            return []
        legend = [*self._legend(), (f"moving: {self.moves}", pictures.INK)]
        frames = pictures.thinned(self.frames)
        return [pictures.labelled(pictures.scatter(frame, self.backdrop), legend) for frame in frames]

    def describe(self) -> str:
        over = f" over {len(self.backdrop)} real ones" if self.backdrop is not None else ""
        return f"{len(self.points)} points in the plane{over}"
