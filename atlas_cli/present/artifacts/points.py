"""Points in the plane, over the real ones that they should lie among."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from rich.console import Console, Group, RenderableType
from rich.text import Text

from atlas_cli.present import pictures
from atlas_cli.present.artifacts.base import GLANCE_PIXELS, TERMINAL_COLUMNS, Drawn, room

LETTERS = {pictures.MADE: "o", pictures.REAL: "."}  # where there is no colour
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

    def for_terminal(self, width: int, height: int | None = None) -> np.ndarray:
        """Drawn at the size of the terminal's own pixels: shrunken dots would fade."""
        pixels = min(width, TERMINAL_COLUMNS, height or TERMINAL_COLUMNS)
        return pictures.scatter(self.points, self.backdrop, pixels)

    def print(self, console: Console) -> None:
        drawn = self._with_key(self.for_terminal(*room(console)), console)
        console.print(drawn, highlight=False, markup=False, soft_wrap=True)

    def at_a_glance(self, console: Console, width: int) -> RenderableType:
        return self._with_key(self.glance(width), console)

    def _with_key(self, rgb: np.ndarray, console: Console) -> RenderableType:
        """The cloud as that console can show it, and below it what its colours or letters stand for."""
        colour = pictures.in_colour(console)
        key = Text("  ", no_wrap=True).join(
            Text.assemble(("▀", f"#{r:02x}{g:02x}{b:02x}") if colour else LETTERS[r, g, b], f" {words}")
            for words, (r, g, b) in self._legend()
        )
        cloud = pictures.half_blocks(rgb) if colour else Text("\n".join(pictures.letter_rows(rgb, LETTERS)))
        return Group(cloud, key)

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
