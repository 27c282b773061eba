"""Rectangles of text with a baseline, and the ways to put them together."""

from __future__ import annotations

from dataclasses import dataclass

from atlas_cli.mathematics.characters import width


@dataclass(slots=True)
class Box:
    """Rows of equal width.

    Attributes:
        rows: The text.
        base: Row that lines up with the neighbours.
        top, bottom: First and last row of the body, without the scripts that hang out; brackets go by it.
    """

    rows: list[str]
    base: int
    top: int
    bottom: int

    @property
    def width(self) -> int:
        return width(self.rows[0])

    @property
    def is_tall(self) -> bool:
        return self.bottom > self.top


def line(text: str) -> Box:
    """One row."""
    return Box([text], 0, 0, 0)


def beside(boxes: list[Box]) -> Box:
    """Side by side on one baseline."""
    if not boxes:
        return line("")
    above = max(box.base for box in boxes)
    below = max(len(box.rows) - box.base for box in boxes)
    rows = ["".join(_row(box, offset) for box in boxes) for offset in range(-above, below)]
    top = min(box.top - box.base for box in boxes)
    bottom = max(box.bottom - box.base for box in boxes)
    return Box(rows, above, above + top, above + bottom)


def _row(box: Box, offset: int) -> str:
    index = box.base + offset
    return box.rows[index] if 0 <= index < len(box.rows) else " " * box.width


def stacked(boxes: list[Box], base: int, align: str = "c") -> Box:
    """One above the other; box number `base` keeps its baseline. The whole is the body."""
    columns = max(box.width for box in boxes)
    rows = [aligned(row, columns, align) for box in boxes for row in box.rows]
    baseline = sum(len(box.rows) for box in boxes[:base]) + boxes[base].base
    return Box(rows, baseline, 0, len(rows) - 1)


def aligned(text: str, columns: int, align: str) -> str:
    """The text in that many columns, at the left, in the centre or at the right."""
    spare = columns - width(text)
    left = {"l": 0, "c": spare // 2, "r": spare}[align]
    return " " * left + text + " " * (spare - left)


def padded(box: Box, columns: int, align: str) -> Box:
    """The box in that many columns."""
    return Box([aligned(row, columns, align) for row in box.rows], box.base, box.top, box.bottom)


def scripted(base: Box, sub: Box | None, sup: Box | None) -> Box:
    """A box at the foot and one at the shoulder of the body; they share their columns."""
    columns = max(box.width for box in (sub, sup) if box)
    rows = [row + " " * columns for row in base.rows]
    top, bottom, baseline = base.top, base.bottom, base.base
    if sup:
        first = top - len(sup.rows) + (1 if base.is_tall else 0)
        shift = max(0, -first)
        rows = [" " * (base.width + columns)] * shift + rows
        top, bottom, baseline = top + shift, bottom + shift, baseline + shift
        _write(rows, sup, first + shift, base.width, columns)
    if sub:
        first = bottom + (0 if base.is_tall else 1)
        rows += [" " * (base.width + columns)] * (first + len(sub.rows) - len(rows))
        _write(rows, sub, first, base.width, columns)
    return Box(rows, baseline, top, bottom)


def _write(rows: list[str], box: Box, first: int, column: int, columns: int) -> None:
    """Write the box into the last columns of the rows, which are blank there."""
    for offset, text in enumerate(box.rows):
        kept = _first_columns(rows[first + offset], column)
        rows[first + offset] = kept + aligned(text, columns, "l")


def _first_columns(text: str, columns: int) -> str:
    end = len(text)
    while end and width(text[:end]) > columns:
        end -= 1
    return text[:end]


_PIECES = {
    "(": "⎛⎜⎜⎝",
    ")": "⎞⎟⎟⎠",
    "[": "⎡⎢⎢⎣",
    "]": "⎤⎥⎥⎦",
    "{": "⎧⎨⎪⎩",
    "}": "⎫⎬⎪⎭",
    "|": "││││",
    "‖": "║║║║",
    "⌊": "⎢⎢⎢⎣",
    "⌋": "⎥⎥⎥⎦",
    "⌈": "⎡⎢⎢⎢",
    "⌉": "⎤⎥⎥⎥",
    "⟨": "╱⟨ ╲",
    "⟩": "╲⟩ ╱",
    "/": "╱╱╱╱",
}
_ASCII_PIECES = {
    "(": "/||\\",
    ")": "\\||/",
    "{": "/<|\\",
    "}": "\\>|/",
    "[": "[[[[",
    "]": "]]]]",
    "|": "||||",
    "<": "/< \\",
    ">": "\\> /",
}


def fence(sign: str, body: Box, ascii: bool) -> Box:
    """A delimiter as tall as the body."""
    height = body.bottom - body.top + 1
    pieces = (_ASCII_PIECES if ascii else _PIECES).get(sign)
    if height == 1 or not sign or pieces is None:
        return line(sign)
    first, middle, rest, last = tuple(pieces)
    column = [first] + [rest] * (height - 2) + [last]
    if height > 2:
        column[min(max(body.base - body.top, 1), height - 2)] = middle
    elif sign in "{}":
        column = [sign, " "] if ascii else ["⎰", "⎱"] if sign == "{" else ["⎱", "⎰"]
    return Box(column, body.base - body.top, 0, height - 1)
