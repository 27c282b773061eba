"""Tables as lines: columns as wide as they need, narrower where the width does not allow it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from rich.cells import cell_len
from rich.text import Text

from atlas_cli.screen.lines import Lines, pairs, wrap

_GAP = 3
_NARROWEST = 9  # characters; a table that would have narrower columns is shown row by row


def table(
    header: Sequence[Text], body: Sequence[Sequence[Text]], aligned: Sequence[str], width: int
) -> Lines:
    """A header, a rule and the rows; `aligned` says "left", "center", "right" or "" for each column."""
    if width < len(header) * (_NARROWEST + _GAP):
        return _records(header, body, width)
    rows = [header, *body]
    room = width - _GAP * (len(header) - 1)
    widths = _fit([max(_longest(row[i]) for row in rows) for i in range(len(header))], room)
    for title in header:
        title.stylize("bold")
    head, *rest = ([*_row(row, widths, aligned)] for row in rows)
    rule = Text("─" * (sum(widths) + _GAP * (len(widths) - 1)), "atlas.muted")
    apart = any(len(row) > 1 for row in rest)  # where a row has several lines, a blank line keeps rows apart
    lines = [*head, rule]
    for i, row in enumerate(rest):
        lines += [*([Text()] if apart and i else []), *row]
    return lines


def _row(cells: Sequence[Text], widths: Sequence[int], aligned: Sequence[str]) -> Lines:
    columns = [wrap(cell, width) for cell, width in zip(cells, widths, strict=True)]
    lines = []
    for parts in zip_longest(*columns):
        line = Text()
        for i, (part, width, way) in enumerate(zip(parts, widths, aligned, strict=True)):
            text = part or Text()
            free = width - cell_len(text.plain)
            before = {"right": free, "center": free // 2}.get(way, 0)
            line.append(" " * (before + (_GAP if i else 0)))
            line.append_text(text)
            line.append(" " * (free - before))
        line.rstrip()
        lines.append(line)
    return lines


def _longest(text: Text) -> int:
    return max(map(cell_len, text.plain.split("\n")))


def _fit(natural: list[int], room: int) -> list[int]:
    """Columns that need less than their share keep what they need; the others share the rest evenly."""
    widths = dict(enumerate(natural))
    settled: dict[int, int] = {}
    while widths:
        share = (room - sum(settled.values())) // len(widths)
        small = {i: width for i, width in widths.items() if width <= share}
        if not small:
            settled |= dict.fromkeys(widths, share)
            break
        settled |= small
        widths = {i: width for i, width in widths.items() if i not in small}
    return [settled[i] for i in range(len(natural))]


def _records(header: Sequence[Text], body: Sequence[Sequence[Text]], width: int) -> Lines:
    """A table too wide for the screen: one block a row, the first cell as its title."""
    lines: Lines = []
    for row in body:
        if lines:
            lines.append(Text())
        lines += wrap(Text(row[0].plain, "bold"), width)
        cells = zip(header[1:], row[1:], strict=True)
        lines += pairs(((Text(f"  {title.plain}", "atlas.muted"), cell) for title, cell in cells), width)
    return lines
