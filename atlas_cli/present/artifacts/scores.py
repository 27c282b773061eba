"""Pictures, and beside each how well sentences fit it."""

from __future__ import annotations

import html
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from atlas_cli.present import pictures
from atlas_cli.present.artifacts.base import Drawn

Answer = tuple[str, float]  # a sentence, and its share in [0, 1]
PICTURE = 24  # columns of a picture beside its answers
BAR = 12  # columns of the bar of a share of one
ROOMY = 60  # columns of a terminal that has room for that


@dataclass(frozen=True, eq=False)
class Scores(Drawn):
    """Sentences held to pictures.

    Attributes:
        images: (N, C, H, W) in [0, 1], C being 1 or 3.
        answers: To each picture its sentences, the best first.
    """

    images: np.ndarray
    answers: list[list[Answer]]

    def picture(self) -> np.ndarray:
        return pictures.contact_sheet(self.images, columns=1)

    def save(self, folder: Path, name: str) -> list[Path]:
        path = folder / f"{name}.txt"
        files = super().save(folder, name)
        path.write_text("\n".join(self.in_lines()) + "\n", encoding="utf-8")
        return [*files, path]

    def in_lines(self) -> list[str]:
        """One line an answer, an empty one between pictures."""
        parts = ["\n".join(f"{share:.3f} {words}" for words, share in row) for row in self.answers]
        return "\n\n".join(parts).splitlines()

    def print(self, console: Console) -> None:
        for i, row in enumerate(self.answers):
            if i:
                console.print()
            grid = Table.grid(padding=(0, 2))
            rgb = pictures.sheet_for_width(self.images[i : i + 1], 1, min(PICTURE, console.width // 3))
            grid.add_row(pictures.renderable(rgb, console), self._bars(row, console))
            console.print(grid, highlight=False, markup=False)

    def _bars(self, row: list[Answer], console: Console) -> Table:
        block = "█" if console.encoding.startswith("utf") else "#"
        full = BAR if console.width >= ROOMY else BAR // 4
        bars = Table.grid(padding=(0, 1))
        for width in (4, full):
            bars.add_column(width=width, no_wrap=True)
        bars.add_column(overflow="fold")
        for words, share in row:
            bar = block * round(full * share)
            bars.add_row(Text(f"{share:.2f}", "atlas.number"), Text(bar, "atlas.code"), Text(words))
        return bars

    def describe(self) -> str:
        n = len(self.images)
        return f"{n} picture{'s' * (n != 1)}, each with {max(map(len, self.answers))} sentences held to it"

    def _html_body(self) -> str:
        rows = (
            f"<li>{html.escape(words)}: {share:.2f}</li>"
            for answers in self.answers
            for words, share in answers
        )
        return f"{super()._html_body()}<ul>{''.join(rows)}</ul>"
