"""What every kind of artifact can do: save, print and describe itself, and show itself in a notebook."""

from __future__ import annotations

import base64
import html
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
from rich.console import Console, RenderableType
from rich.text import Text as RichText

from atlas_cli.present import pictures
from atlas_cli.screen.terminal import can_move

TERMINAL_COLUMNS = 72  # of a drawing in the terminal
SPARE_ROWS = 5  # of a screen, for what stands below a drawing: key, captions, the prompt
GLANCE_PIXELS = 24  # height of a drawing beside the progress of a training: twelve rows


def room(console: Console) -> tuple[int, int | None]:
    """Pixels for a drawing there: one a column, two a row of a screen; a file or a pipe is endless."""
    screen = can_move(console)
    return console.width, 2 * max(1, console.height - SPARE_ROWS) if screen else None


@dataclass(frozen=True, eq=False, kw_only=True)
class Artifact(ABC):
    """Something a person can look at.

    Attributes:
        caption: One line under it.
        facts: Figures for `--json`.
    """

    caption: str = ""
    facts: dict[str, Any] = field(default_factory=dict)

    @abstractmethod
    def save(self, folder: Path, name: str) -> list[Path]:
        """Write it under `folder`, which is made where needed; returns the files written."""

    def captions(self) -> list[str]:
        """The lines under it."""
        return self.caption.splitlines()

    def still(self) -> Self:
        """The same without the way that led to it, where it has one: quick to save."""
        return self

    def at_a_glance(self, console: Console, width: int) -> RenderableType:
        """A few rows of a terminal, at most `width` columns wide, that show it as it stands."""
        return RichText(self.describe(), "atlas.muted", no_wrap=True, overflow="ellipsis")

    def in_words(self) -> str:
        """What a log says of it beside its file: "" where only the file can show it."""
        return ""

    @abstractmethod
    def print(self, console: Console) -> None:
        """Show it in a terminal, in colour or without, in UTF-8 or ASCII."""

    @abstractmethod
    def describe(self) -> str:
        """What it holds, in one line of words."""

    def lines(self) -> list[str]:
        """The text that it holds, for readers of `--json`."""
        return []

    def to_json(self) -> dict[str, Any]:
        """What `atlas sample --json` tells of it beside its files."""
        return {"caption": self.caption, "text": self.lines(), "facts": self.facts}

    # --- notebooks -----------------------------------------------------------------------------------

    def _repr_png_(self) -> bytes | None:
        return None

    def _repr_html_(self) -> str:
        inside = self._html_body()
        caption = f"<figcaption>{html.escape(self.caption)}</figcaption>" if self.caption else ""
        return f"<figure>{inside}{caption}</figure>"

    def _html_body(self) -> str:
        return f"<p>{html.escape(self.describe())}</p>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        bundle = {"text/plain": "\n".join(self.lines()) or self.describe(), "text/html": self._repr_html_()}
        png = self._repr_png_()
        if png is not None:
            bundle["image/png"] = base64.b64encode(png).decode("ascii")
        return bundle


@dataclass(frozen=True, eq=False, kw_only=True)
class Drawn(Artifact):
    """An artifact that is looked at as a picture, and perhaps as an animation.

    Attributes:
        moves: What the animation shows.
    """

    moves: str = ""

    def captions(self) -> list[str]:
        gif = [f"the GIF shows {self.moves}"] if self.moves and len(self.animation()) > 1 else []
        return [*super().captions(), *gif]

    @abstractmethod
    def picture(self) -> np.ndarray:
        """The whole of it as one (height, width, 3) uint8 picture."""

    def animation(self) -> list[np.ndarray]:
        """Pictures of one size to be shown one after the other; fewer than two are no animation."""
        return []

    def for_terminal(self, width: int, height: int | None = None) -> np.ndarray:
        """The picture at one pixel a column of a terminal and two a row, at most so many of them."""
        return pictures.at_width(self.picture(), min(width, TERMINAL_COLUMNS), height)

    def left_out(self, width: int, height: int | None) -> str:
        """What a terminal of that size has no room for, in words; "" where it shows all."""
        return ""

    def save(self, folder: Path, name: str) -> list[Path]:
        folder.mkdir(parents=True, exist_ok=True)
        files = [pictures.save_png(self.picture(), folder / f"{name}.png")]
        frames = self.animation()
        if len(frames) > 1:
            files.append(pictures.save_gif(frames, folder / f"{name}.gif"))
        return files

    def glance(self, width: int) -> np.ndarray:
        """The picture for a few rows: no wider than `width` pixels and no higher than GLANCE_PIXELS."""
        rgb = self.picture()
        return pictures.at_width(rgb, min(width, max(1, GLANCE_PIXELS * rgb.shape[1] // rgb.shape[0])))

    def at_a_glance(self, console: Console, width: int) -> RenderableType:
        return pictures.renderable(self.glance(width), console)

    def print(self, console: Console) -> None:
        width, height = room(console)
        pictures.print_picture(self.for_terminal(width, height), console)
        if words := self.left_out(width, height):
            console.print(words, style="atlas.muted", highlight=False, markup=False, soft_wrap=True)

    def _repr_png_(self) -> bytes:
        return pictures.png_bytes(self.picture())

    def _html_body(self) -> str:
        picture = base64.b64encode(self._repr_png_()).decode("ascii")
        return f'<img alt="{html.escape(self.describe())}" src="data:image/png;base64,{picture}">'
