"""Text that a model wrote, line by line."""

from __future__ import annotations

import html
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console, RenderableType
from rich.text import Text as RichText

from atlas_cli.present.artifacts.base import Artifact
from atlas_cli.screen.symbols import visible

GLANCE_LINES = 2  # beside the progress of a training
WORDS = 60  # characters, in a line of a log


@dataclass(frozen=True, eq=False)
class Text(Artifact):
    """Pieces of text, one below the other.

    Attributes:
        text: The pieces; each may hold line breaks of its own.
    """

    text: list[str]

    def save(self, folder: Path, name: str) -> list[Path]:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name}.txt"
        path.write_text("\n".join(self.text) + "\n", encoding="utf-8")
        return [path]

    def at_a_glance(self, console: Console, width: int) -> RenderableType:
        unicode = console.encoding.startswith("utf")
        lines = "\n".join(self.text).split("\n")
        if len(lines) > GLANCE_LINES:  # as it was written, but on two lines
            text = visible("\n".join(lines), not unicode, lines=False)
            lines = [text[i : i + width] for i in range(0, GLANCE_LINES * width, width)]
        shown = "\n".join(visible(line, not unicode, lines=False)[:width] for line in lines)
        return RichText(shown, no_wrap=True, overflow="crop")

    def in_words(self) -> str:
        return visible("|".join(self.text).replace("\n", "|"), ascii_only=True, lines=False)[:WORDS]

    def print(self, console: Console) -> None:
        for line in self.text:
            shown = visible(line, not console.encoding.startswith("utf"))  # rich would leave some of them out
            console.print(shown, highlight=False, markup=False, soft_wrap=True)

    def lines(self) -> list[str]:
        return self.text

    def describe(self) -> str:
        letters = sum(map(len, self.text))
        return f"{len(self.text)} pieces of text, {letters} letters"

    def _html_body(self) -> str:
        text = html.escape("\n".join(self.text))
        return f"<pre>{text}</pre>"
