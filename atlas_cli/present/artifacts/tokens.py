"""Text in tokens: every token with its number below it."""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.cells import cell_len, set_cell_size
from rich.console import Console, RenderableType
from rich.text import Text as RichText

from atlas_cli.present.artifacts.base import Artifact
from atlas_cli.present.spelling import shown

STYLES = (
    "atlas.code",
    "atlas.keyword",
)  # of one token and the next: where a token ends is seen without its bar
Token = tuple[bytes, int]  # what it spells, and its number


@dataclass(frozen=True, eq=False)
class Tokens(Artifact):
    """Texts as sequences of tokens.

    Attributes:
        rows: The texts; of each token its bytes and its number.
    """

    rows: list[list[Token]]

    def save(self, folder: Path, name: str) -> list[Path]:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name}.txt"
        path.write_text("\n".join(self.lines()) + "\n", encoding="utf-8")
        return [path]

    def lines(self) -> list[str]:
        """Two lines a text: the tokens between bars, and their numbers."""
        found = []
        for row in self.rows:
            found.append("|".join(shown(spelling) for spelling, _ in row))
            found.append(" ".join(str(number) for _, number in row))
        return found

    def print(self, console: Console) -> None:
        ascii_only = not console.encoding.startswith("utf")
        bar = "|" if ascii_only else "│"
        for i, row in enumerate(self.rows):
            if i:
                console.print()
            for line in _wrapped(row, console.width, ascii_only):
                pieces, numbers = RichText(no_wrap=True), RichText(no_wrap=True)
                for place, piece, number, width in line:
                    pieces.append(set_cell_size(piece, width), STYLES[place % 2]).append(bar, "atlas.muted")
                    numbers.append(number.rjust(width) + " ", "atlas.number")
                console.print(pieces, soft_wrap=True)
                console.print(numbers, soft_wrap=True)

    def at_a_glance(self, console: Console, width: int) -> RenderableType:
        ascii_only = not console.encoding.startswith("utf")
        text = RichText(no_wrap=True, overflow="crop")
        for place, (spelling, _) in enumerate(self.rows[0] if self.rows else []):
            text.append(shown(spelling, ascii_only), STYLES[place % 2]).append("|", "atlas.muted")
        text.truncate(width)
        return text

    def in_words(self) -> str:
        return "|".join(shown(spelling, ascii_only=True) for row in self.rows for spelling, _ in row)[:60]

    def describe(self) -> str:
        n_bytes = sum(len(spelling) for row in self.rows for spelling, _ in row)
        return f"{n_bytes} bytes of text in {sum(map(len, self.rows))} tokens"

    def _html_body(self) -> str:
        rows = []
        for row in self.rows:
            tokens = (
                f"<ruby>{html.escape(shown(spelling))}<rt>{number}</rt></ruby>" for spelling, number in row
            )
            rows.append(f"<p>{'|'.join(tokens)}</p>")
        return "".join(rows)


def _wrapped(row: list[Token], width: int, ascii_only: bool) -> Iterator[list[tuple[int, str, str, int]]]:
    """Lines of (place, token, number, columns); a token that is wider than a line is cut."""
    line: list[tuple[int, str, str, int]] = []
    used = 0
    for place, (spelling, number) in enumerate(row):
        piece = shown(spelling, ascii_only)
        columns = min(max(cell_len(piece), len(str(number))), width - 1)
        if line and used + columns + 1 > width:
            yield line
            line, used = [], 0
        line.append((place, piece, str(number), columns))
        used += columns + 1
    if line:
        yield line
