"""Text that a model wrote, line by line."""

from __future__ import annotations

import html
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from atlas_cli.present.artifacts.base import Artifact
from atlas_cli.screen.symbols import visible


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
