"""Points in the plane, each of a class: a map of what lies near what."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from rich.console import Console, Group, RenderableType
from rich.text import Text

from atlas_cli.present import pictures
from atlas_cli.present.artifacts.base import GLANCE_PIXELS, TERMINAL_COLUMNS, Drawn, room

GROUND = (16, 16, 16)
COLOURS: tuple[pictures.Colour, ...] = (
    (230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (60, 120, 255), (213, 94, 0),
    (204, 121, 167), (170, 170, 170), (150, 90, 220), (140, 210, 110),
)  # fmt: skip
SYMBOLS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"  # where there is no colour
NAME = 14  # height of a class's name on the picture, in its pixels


@dataclass(frozen=True, eq=False)
class Clusters(Drawn):
    """A scatter plot of classes: each has its colour, and its name where its points have their median.

    Attributes:
        points: (N, 2).
        labels: (N,) the class of each.
        names: Of the classes.
    """

    points: np.ndarray
    labels: np.ndarray
    names: tuple[str, ...]

    def picture(self) -> np.ndarray:
        """Dots of three by three pixels, and over them the names."""
        page = Image.fromarray(self._dots(pictures.POINT_PIXELS, size=3))
        draw, font = ImageDraw.Draw(page), ImageFont.load_default(size=NAME)
        for label in np.unique(self.labels):
            x, y = np.median(_places(self.points, pictures.POINT_PIXELS)[self.labels == label], axis=0)
            draw.text(
                (float(x), float(y)), self.names[label], (255, 255, 255), font, anchor="mm",
                stroke_width=2, stroke_fill=GROUND,
            )  # fmt: skip
        return np.asarray(page)

    def _dots(self, pixels: int, size: int = 1) -> np.ndarray:
        picture = np.full((pixels, pixels, 3), GROUND, np.uint8)
        places = _places(self.points, pixels).round().astype(int)
        for right in range(-(size // 2), size // 2 + 1):
            for down in range(-(size // 2), size // 2 + 1):
                x, y = (places + np.array([right, down])).clip(0, pixels - 1).T
                picture[y, x] = np.array(COLOURS)[self.labels % len(COLOURS)]
        return picture

    def for_terminal(self, width: int, height: int | None = None) -> np.ndarray:
        """Drawn at the size of the terminal's own pixels: shrunken dots would fade."""
        return self._dots(min(width, TERMINAL_COLUMNS, height or TERMINAL_COLUMNS))

    def glance(self, width: int) -> np.ndarray:
        return self._dots(min(width, GLANCE_PIXELS))

    def print(self, console: Console) -> None:
        shown = self._with_key(self.for_terminal(*room(console)), console)
        console.print(shown, highlight=False, markup=False, soft_wrap=True)

    def at_a_glance(self, console: Console, width: int) -> RenderableType:
        return self._with_key(self.glance(width), console)

    def _with_key(self, rgb: np.ndarray, console: Console) -> RenderableType:
        """The map as that console can show it, and the names of its classes below."""
        colour, classes = pictures.in_colour(console), np.unique(self.labels).tolist()
        letters = {COLOURS[k % len(COLOURS)]: SYMBOLS[k % len(SYMBOLS)] for k in classes}
        marks = [
            ("▀", f"#{r:02x}{g:02x}{b:02x}") if colour else (letters[r, g, b], "")
            for r, g, b in (COLOURS[k % len(COLOURS)] for k in classes)
        ]
        pieces = [Text.assemble(mark, f" {self.names[k]}") for mark, k in zip(marks, classes, strict=True)]
        key = Text("  ").join(pieces)
        key = Text("\n").join(key.wrap(console, rgb.shape[1])[:2])
        drawn = pictures.half_blocks(rgb) if colour else Text("\n".join(pictures.letter_rows(rgb, letters)))
        return Group(drawn, key)

    def describe(self) -> str:
        return f"a map of {len(self.points)} images of {len(np.unique(self.labels))} classes"


def _places(points: np.ndarray, pixels: int) -> np.ndarray:
    """x to the right and y downwards, in pixels; all points lie on the picture, in their proportions."""
    low, high = points.min(0), points.max(0)
    half = 1.06 * max(float((high - low).max()) / 2, 1e-12)
    return ((points - (low + high) / 2) * [1, -1] / half + 1) / 2 * (pixels - 1)
