"""A film: what a model sees or imagines, frame by frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from atlas_cli.present import pictures
from atlas_cli.present.artifacts.base import Drawn

STRIP_FRAMES = 8  # of the film in its still picture


@dataclass(frozen=True, eq=False)
class Film(Drawn):
    """One film, or several side by side; saved as a GIF and as a strip of stills.

    Attributes:
        frames: (T, C, H, W) in [0, 1], or (T, N, C, H, W) for N films at once; C is 1 or 3.
        columns: Films a row, where there are several.
    """

    frames: np.ndarray
    columns: int = 10

    def _sheets(self) -> np.ndarray:
        """(T, height, width, 3): each frame as one picture."""
        grids = self.frames if self.frames.ndim == 5 else self.frames[:, None]  # (T, N, C, H, W)
        columns = min(self.columns, grids.shape[1])
        return np.stack([pictures.contact_sheet(grid, columns) for grid in grids])

    def _strip(self, stills: int) -> np.ndarray:
        """That many frames, evenly spaced from the first to the last, in a row."""
        sheets = self._sheets()
        chosen = np.linspace(0, len(sheets) - 1, min(stills, len(sheets))).round().astype(int)
        images = sheets[chosen].transpose(0, 3, 1, 2) / 255  # (stills, 3, height, width)
        return pictures.contact_sheet(images, columns=len(images))

    def picture(self) -> np.ndarray:
        return self._strip(STRIP_FRAMES)

    def animation(self) -> list[np.ndarray]:
        return pictures.thinned(list(self._sheets())) if len(self.frames) > 1 else []

    def for_terminal(self, width: int, height: int | None = None) -> np.ndarray:
        """As many stills as can be told apart in that width."""
        wide = self._sheets().shape[2]
        least = min(wide, pictures.SMALLEST_IMAGE)
        strip = self._strip(max(1, min(STRIP_FRAMES, (width + 1) // (least + 1))))
        return pictures.at_width(strip, min(width, strip.shape[1]), height)

    def describe(self) -> str:
        several = f"{self.frames.shape[1]} films" if self.frames.ndim == 5 else "a film"
        h, w = self.frames.shape[-2:]
        return f"{several} of {len(self.frames)} frames of {h}x{w} pixels"
