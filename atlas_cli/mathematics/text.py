"""Formulas for a terminal: one line inside a sentence, rows in two dimensions on their own."""

from __future__ import annotations

import textwrap

from atlas_cli.mathematics.characters import width as columns_of
from atlas_cli.mathematics.layout import Layout
from atlas_cli.mathematics.linear import Linear
from atlas_cli.mathematics.nodes import Node, Row, Space
from atlas_cli.mathematics.parser import ParseError, parse
from atlas_cli.mathematics.rewrite import FormulaError, expand
from atlas_cli.mathematics.spacing import spaced

_INDENT = 4  # columns by which the lines after the first of a broken formula stand in


def inline(tex: str, ascii: bool = False, page: str = "") -> str:
    """The formula on one line.

    Args:
        tex: What stands between the dollars.
        ascii: Use ASCII alone.
        page: Where the formula stands, for the message of an error.

    Raises:
        FormulaError: For a formula that cannot be drawn.
    """
    return Linear(ascii).row(_parsed(tex, page).items).rstrip()


def block(tex: str, width: int, ascii: bool = False, page: str = "") -> list[str]:
    """The formula in two dimensions, in rows of at most `width` columns.

    A formula that is too wide is broken before a relation, then before a plus; a part that is still too wide
    is written on one line and wrapped. For the arguments and errors see `inline`.
    """
    items = _parsed(tex, page).items
    layout = Layout(ascii)
    rows: list[str] = []
    height = 0
    for number, part in enumerate(_lines(items, width, layout)):
        indent = _INDENT if number else 0
        drawn = _drawn(part, layout, first=not number)
        if _columns(drawn) > width - indent:
            text = Linear(ascii).row(part)
            drawn = textwrap.wrap(text, width - indent, subsequent_indent="  ", break_on_hyphens=False)
        if number and max(height, len(drawn)) > 1:
            rows.append("")
        height = len(drawn)
        rows += [" " * indent + row if row else "" for row in drawn]
    return rows


def _parsed(tex: str, page: str) -> Row:
    try:
        return parse(expand(tex))
    except ParseError as error:
        raise FormulaError(tex, str(error), page) from None


def _lines(items: list[Node], width: int, layout: Layout) -> list[list[Node]]:
    """The parts of the formula, distributed over lines."""
    if _columns(_drawn(items, layout, first=True)) <= width:
        return [items]
    lines: list[list[Node]] = []
    for clause in _pieces(items, {"rel"}):
        is_wide = _columns(_drawn(clause, layout)) > width - _INDENT
        for piece in _pieces(clause, {"bin"}) if is_wide else [clause]:
            room = width - (_INDENT if len(lines) > 1 else 0)
            wraps_anyway = _columns(_drawn(piece, layout)) > width - _INDENT
            if lines and (wraps_anyway or _columns(_drawn(lines[-1] + piece, layout)) <= room):
                lines[-1] = lines[-1] + piece
            else:
                lines.append(piece)
    return [line for line in map(_without_space, lines) if line]


def _pieces(items: list[Node], kinds: set[str]) -> list[list[Node]]:
    """The row cut before each part of these kinds, and where the author left a wide space."""
    kind_of = {id(item): kind for _, kind, item in spaced(items)}
    pieces: list[list[Node]] = [[]]
    for item in items:
        if (isinstance(item, Space) and item.columns > 1) or kind_of.get(id(item)) in kinds:
            pieces.append([item])
        else:
            pieces[-1].append(item)
    return [piece for piece in pieces if piece]


def _without_space(items: list[Node]) -> list[Node]:
    """The parts without the wide space that now begins a line."""
    while items and isinstance(items[0], Space):
        items = items[1:]
    return items


def _drawn(items: list[Node], layout: Layout, first: bool = False) -> list[str]:
    """The parts in rows, without blank ones at the ends and without what is blank at the left of all.

    Args:
        items: The parts.
        layout: What draws them.
        first: Whether the formula begins here; elsewhere a plus joins what follows to the line before.
    """
    parts = _without_space(items)
    box = layout.row(parts if first else [Row(), *parts])
    rows = [row.rstrip() for row in box.rows]
    margin = min((len(row) - len(row.lstrip()) for row in rows if row), default=0)
    rows = [row[margin:] for row in rows]
    while rows and not rows[0]:
        del rows[0]
    while rows and not rows[-1]:
        del rows[-1]
    return rows


def _columns(rows: list[str]) -> int:
    return max(map(columns_of, rows), default=0)
