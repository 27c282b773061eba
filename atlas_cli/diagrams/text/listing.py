"""A piece of source as lines with their numbers, coloured and wrapped."""

from __future__ import annotations

from pathlib import Path

from rich.text import Text

from atlas_cli.diagrams.code import Source
from atlas_cli.screen.highlight import highlight
from atlas_cli.screen.lines import Lines, hang, wrap

_NARROWEST = 20  # columns of code


def listing(source: Source, width: int) -> Lines:
    """Where it stands, and its lines under their numbers."""
    margin = len(str(source.last_line)) + 2
    lines = wrap(Text(f"{_path(source.path)}:{source.first_line}", "atlas.muted"), width)
    code = highlight(source.text.rstrip("\n"), "python").split("\n", allow_blank=True)
    for number, line in enumerate(code, start=source.first_line):
        mark = Text(f"{number:>{margin - 2}}", "atlas.muted")
        lines += hang(mark, wrap(line, max(width - margin, _NARROWEST)), margin)
    return lines


def _path(path: Path) -> Path:
    """From the current folder where that is above it, else from the package's."""
    here, package = Path.cwd(), Path(__file__).resolve().parents[3]
    for folder in (here, package):
        if path.is_relative_to(folder):
            return path.relative_to(folder)
    return path
