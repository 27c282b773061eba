"""A scene in space, rendered from several angles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw
from rich.console import Console

from atlas_cli.present import pictures
from atlas_cli.present.artifacts.base import Drawn, room

CELL = 128  # pixels: the least width of a view, so that its angles can be read below it
LABEL = 14  # pixels: height of the line with the angles


@dataclass(frozen=True, eq=False)
class Scene(Drawn):
    """Views of one scene, in the order of the camera's walk; saved as a sheet and as a GIF that turns.

    Attributes:
        views: (N, C, H, W) in [0, 1], C being 1 or 3.
        angles: (N, 2) azimuth and elevation of the camera, in degrees.
        columns: Views a row.
    """

    views: np.ndarray
    angles: np.ndarray
    columns: int = 4

    def labels(self) -> list[str]:
        """The angles of each view in words."""
        return [f"az {azimuth:.0f} el {elevation:.0f}" for azimuth, elevation in self.angles]

    def _times(self) -> int:
        return max(1, -(-CELL // self.views.shape[-1]))

    def picture(self) -> np.ndarray:
        """The sheet, with its angles below each view."""
        cells = [
            _labelled(pictures.enlarged(pictures.contact_sheet(view[None], 1), self._times()), label)
            for view, label in zip(self.views, self.labels(), strict=True)
        ]
        return pictures.contact_sheet(np.stack(cells).transpose(0, 3, 1, 2) / 255, self.columns)

    def animation(self) -> list[np.ndarray]:
        if len(self.views) < 2:
            return []
        return [pictures.contact_sheet(view[None], 1) for view in pictures.thinned(list(self.views))]

    def for_terminal(self, width: int, height: int | None = None) -> np.ndarray:
        return pictures.sheet_for_width(self.views, self.columns, width, height)

    def left_out(self, width: int, height: int | None) -> str:
        shown = pictures.layout(self.views.shape, self.columns, width, height).shown
        n = len(self.views)
        return "" if shown == n else f"{shown} of {n} fit this screen; the file holds all"

    def print(self, console: Console) -> None:
        super().print(console)
        shown = pictures.layout(self.views.shape, self.columns, *room(console)).shown
        console.print("; ".join(self.labels()[:shown]), highlight=False, markup=False)

    def describe(self) -> str:
        h, w = self.views.shape[-2:]
        return f"a scene from {len(self.views)} angles, {h}x{w} pixels each: {'; '.join(self.labels())}"


def _labelled(view: Image.Image, label: str) -> np.ndarray:
    """The view with a line of text below it, (H + LABEL, W, 3)."""
    cell = Image.new("RGB", (view.width, view.height + LABEL))
    cell.paste(view)
    ImageDraw.Draw(cell).text((2, view.height + 1), label, fill=(200, 200, 200))
    return np.asarray(cell)
