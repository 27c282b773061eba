"""Text broken into lines: what a page is made of.

rich's tables and paddings measure and crop every segment again at each level of nesting, which would make up
half of the time that a page takes; lines are broken once, and indenting them is putting blanks in front.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from rich.cells import cell_len
from rich.text import Text

_WORD = re.compile(r"\s*\S+")
_NARROWEST = 14  # characters; the least in which text can be read beside something else
Lines = list[Text]


def wrap(text: Text, width: int) -> Lines:
    """Break a text at blanks, and in a word that is wider than a line."""
    width = max(1, width)  # a line holds a letter; else no word would ever be broken to an end
    lines: Lines = []
    for paragraph in text.split("\n", allow_blank=True) if "\n" in text.plain else [text]:
        pieces = paragraph.divide(_breaks(paragraph.plain, width))
        for i, piece in enumerate(pieces):
            piece.rstrip()
            lines.append(_lstrip(piece) if i else piece)
    return lines


def indent(lines: Iterable[Text], by: int) -> Lines:
    """The lines, moved to the right."""
    blanks = Text(" " * by)
    return [blanks + line if line.plain else line for line in lines]


def hang(mark: Text, lines: Iterable[Text], width: int) -> Lines:
    """The lines with a mark before the first, all beginning at column `width`."""
    hung = indent(lines, width) or [Text()]
    first = mark.copy()
    first.append(" " * max(0, width - cell_len(mark.plain)))
    return [first + hung[0][width:], *hung[1:]]


def pairs(rows: Iterable[tuple[Text, Text]], width: int, gap: int = 2) -> Lines:
    """Two columns: short texts, and longer ones that are wrapped; one below the other where it is narrow."""
    rows = list(rows)
    left = max((cell_len(label.plain) for label, _ in rows), default=0) + gap
    lines: Lines = []
    for label, text in rows:
        if width - left >= _NARROWEST:
            lines += hang(label, wrap(text, width - left), left)
        else:
            lines += [*wrap(label, width), *indent(wrap(text, width - gap), gap)]
    return lines


def _breaks(plain: str, width: int) -> list[int]:
    """Where to break: offsets of the first character of each line but the first."""
    breaks: list[int] = []
    column = 0
    for match in _WORD.finditer(plain):
        word = match[0]
        length = cell_len(word)
        if column and column + length > width:
            blanks = len(word) - len(word.lstrip())
            breaks.append(match.start() + blanks)
            column, length = 0, length - blanks
        while length > width:  # a word wider than a line
            breaks.append((breaks[-1] if breaks and not column else match.start()) + width - column)
            length -= width - column
            column = 0
        column += length
    return breaks


def _lstrip(line: Text) -> Text:
    blanks = len(line.plain) - len(line.plain.lstrip())
    return line[blanks:] if blanks else line
