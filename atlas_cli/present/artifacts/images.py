"""Images in rows, and the path on which they came out of noise."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from atlas_cli.present import pictures
from atlas_cli.present.artifacts.base import Drawn


@dataclass(frozen=True, eq=False)
class Images(Drawn):
    """A contact sheet.

    Attributes:
        images: (N, C, H, W) in [0, 1], C being 1 or 3.
        columns: Images a row.
        frames: The path from noise to sample, each like `images`; saved as a GIF.
        moves: What that GIF shows.
    """

    images: np.ndarray
    columns: int = 10
    frames: list[np.ndarray] = field(default_factory=list)
    moves: str = field(default="the way from noise to these", kw_only=True)

    def picture(self) -> np.ndarray:
        return pictures.contact_sheet(self.images, self.columns)

    def animation(self) -> list[np.ndarray]:
        if len(self.frames) < 2:
            return []
        return [pictures.contact_sheet(frame, self.columns) for frame in pictures.thinned(self.frames)]

    def for_terminal(self, width: int, height: int | None = None) -> np.ndarray:
        return pictures.sheet_for_width(self.images, self.columns, width, height)

    def left_out(self, width: int, height: int | None) -> str:
        shown = pictures.layout(self.images.shape, self.columns, width, height).shown
        n = len(self.images)
        return "" if shown == n else f"{shown} of {n} fit this screen; the file holds all"

    def glance(self, width: int) -> np.ndarray:
        """One row of as many images as can be told apart."""
        least = min(self.images.shape[-1], pictures.SMALLEST_IMAGE)
        n = max(1, min(self.columns, len(self.images), (width + 1) // (least + 1)))
        return pictures.sheet_for_width(self.images[:n], n, min(width, n * (pictures.GLANCE_IMAGE + 1) - 1))

    def still(self) -> Images:
        return replace(self, frames=[])

    def describe(self) -> str:
        n, c, h, w = self.images.shape
        return f"{n} {'grey' if c == 1 else 'colour'} images of {h}x{w} pixels"
