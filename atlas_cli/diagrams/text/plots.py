"""Curves, scatters and quivers in a terminal.

A line is solid, dashed or of points, and carries its number where several look alike; the groups of a
scatter have their own marks: a plot can be read without colour.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

from rich.style import Style
from rich.text import Text

from atlas_cli.diagrams.frames import Curves, Drag, Panel, Quiver, Scatter, Series, told
from atlas_cli.diagrams.hands import links_of
from atlas_cli.diagrams.text.dots import Dots
from atlas_cli.diagrams.text.look import Look
from atlas_cli.diagrams.text.parts import Part, mark, part_of
from atlas_cli.screen.lines import Lines, wrap

HAND = "hand"  # in the meta of a style
HUES = ("atlas.accent", "atlas.mark", "atlas.code", "atlas.keyword", "atlas.number")
_TALL = 11  # lines of a plot
WIDEST = 66  # columns of a plot: beyond, slopes look flat
SQUARE = 18  # lines of a picture of the plane, twice as many columns
_MANY = 6  # curves that are named; of more, only how many there are
MARKS = ("·", "●", "+", "x", "o")
PLAIN_MARKS = (".", "o", "+", "x", "%")
_HEADS = "→↗↑↖←↙↓↘"
_PLAIN_HEADS = (">", "/", "^", "\\", "<", "/", "v", "\\")


def curves(panel: Curves, look: Look) -> Lines:
    """A plot with its axes, and what its lines are."""
    width, plain = look.width, look.plain
    lines = [_scaled(series, panel) for series in panel.series]
    points = [point for line in lines for point in line]
    if not points:
        return [Text("nothing to draw", "atlas.muted")]
    xs, ys = [x for x, _ in points], [y for _, y in points]
    if panel.marker is not None:
        xs.append(_log(panel.marker) if panel.log_x else panel.marker)
    low, high = _roomy(min(ys), max(ys))
    ends = [number(10**y) if panel.log_y else number(y, high - low) for y in (high, low)]
    margin = max(map(len, ends))
    dots = Dots(min(width, WIDEST) - margin - 2, _TALL, (min(xs), max(xs), low, high), plain)
    for i, (series, line) in enumerate(zip(panel.series, lines, strict=True)):
        _draw(dots, series, line, HUES[i % len(HUES)], _tag(panel, i))
    if panel.marker is not None:
        dots.upright(xs[-1], "atlas.muted")
    _columns(dots, panel, look)
    left, right = (number(10**x if panel.log_x else x) for x in (min(xs), max(xs)))
    return [
        *framed(known(dots, panel, look), ends, margin, plain),
        foot(left, _axis(panel), right, dots.columns, margin),
        *_legend(panel, width, plain),
    ]


def known(dots: Dots, panel: Panel, look: Look) -> Lines:
    """The rows of a plot, whose characters know what they are of, and where a hand on them turns knobs.

    Their styles' meta has, under HAND, a triple for each drag: itself, where the character lies along its
    axis, and whether that is a logarithm.
    """
    rows = dots.rows()
    if not look.hands:
        return rows
    for (column, line), part in dots.parts.items():
        mark(rows[line], part, column, column + 1)
    if not panel.drag:
        return rows
    logs = {"x": getattr(panel, "log_x", False), "y": getattr(panel, "log_y", False)}
    flat = all(drag.axis == "x" for drag in panel.drag)  # then the characters of a column are alike
    for line, row in enumerate(rows):
        for column in range(dots.columns):
            at = dict(zip("xy", dots.shown(column, 0 if flat else line), strict=True))
            known = tuple((drag, at[drag.axis], logs[drag.axis]) for drag in panel.drag)
            row.stylize(_hand(known), column, column + 1)
    return rows


@lru_cache(maxsize=4096)
def _hand(known: tuple[tuple[Drag, float, bool], ...]) -> Style:
    return Style(meta={HAND: known})


def _axis(panel: Curves) -> str:
    """What lies across, and which axes grow by factors."""
    logs = {(True, True): "both axes log", (True, False): "log", (False, True): "upwards log"}
    note = logs.get((panel.log_x, panel.log_y), "")
    return f"{panel.x_label} ({note})".strip() if note else panel.x_label


def _columns(dots: Dots, panel: Curves, look: Look) -> None:
    """Every column is of the whole numbers that it stands for."""
    if not (look.hands and links_of(panel)):
        return
    whole: dict[int, list[int]] = {}
    for x in sorted({int(x) for series in panel.series for x in series.xs if float(x).is_integer()}):
        if x > 0 or not panel.log_x:
            whole.setdefault(dots.cell((_log(x) if panel.log_x else x, dots.bottom))[0], []).append(x)
    for column, numbers in whole.items():
        parts = [part_of(panel, look.number, {"x": (x,)}) for x in numbers]
        spots = tuple(spot for part in parts if part for spot in part.spots)
        ys = [_says(series, numbers[0]) for series in panel.series if numbers[0] in series.xs]
        part = Part(look.number, spots, f"{panel.x_label} {numbers[0]}: {', '.join(ys)}".strip())
        dots.parts |= {(column, line): part for line in range(dots.lines)}


def _says(series: Series, x: int) -> str:
    return f"{series.label} {told(float(series.ys[series.xs.index(x)]))}".strip()


def scatter(panel: Scatter, look: Look) -> Lines:
    """Points of each group with the group's mark; later groups lie on top."""
    width, plain = look.width, look.plain
    marks = PLAIN_MARKS if plain else MARKS
    dots = _plane(panel.range, width, plain)
    legend = []
    for i, group in enumerate(panel.groups):
        style = "atlas.muted" if i == 0 and len(panel.groups) > 1 else HUES[(i - 1) % len(HUES)]
        sign = marks[i % len(marks)] if len(panel.groups) > 1 else marks[1]
        for j, point in enumerate(group.points):
            dots.part = part_of(panel, look.number, {"x": (j,)}, f"{group.label} {j + 1}")
            dots.put(point, sign, style)
        legend.append((f"{sign} {group.label}", style))
    return [
        *framed(known(dots, panel, look), *_y_ends(panel.range), plain),
        _x_foot(panel.range, dots),
        *joined(legend, width),
    ]


def quiver(panel: Quiver, look: Look) -> Lines:
    """Lines with a head that points where they go; a vector of no length is a dot."""
    width, plain = look.width, look.plain
    dots = _plane(panel.range, width, plain)
    tips = []
    for i, ((x, y), (dx, dy)) in enumerate(zip(panel.points, panel.vectors, strict=True)):
        style = HUES[i % 2] if len(panel.points) <= len(HUES) else HUES[0]
        tip = (x + dx, y + dy)
        part = part_of(panel, look.number, {"x": (i,)}, panel.names[i] if panel.names else f"arrow {i + 1}")
        dots.part = part
        dots.line((x, y), tip, style)
        tips.append((tip, head(dx, dy, plain), style, part))
    for i, (tip, pointed, style, part) in enumerate(tips):
        dots.part = part
        dots.put(tip, str(i + 1) if panel.names else pointed, style)
    named = [
        (f"{i + 1} {name}", style)
        for i, (name, (_, _, style, _)) in enumerate(zip(panel.names, tips, strict=False))
    ]
    return [
        *framed(known(dots, panel, look), *_y_ends(panel.range), plain),
        _x_foot(panel.range, dots),
        *(joined(named, width) if named else []),
    ]


def _scaled(series: Series, panel: Curves) -> list[tuple[float, float]]:
    """Points on the panel's axes; what a logarithm cannot show is left out."""
    points = []
    for x, y in zip(series.xs, series.ys, strict=True):
        if (x > 0 or not panel.log_x) and (y > 0 or not panel.log_y):
            points.append((_log(x) if panel.log_x else x, _log(y) if panel.log_y else y))
    return points


def _log(value: float) -> float:
    return math.log10(value)


def _roomy(low: float, high: float) -> tuple[float, float]:
    return (low, high) if high - low > 1e-12 else (low - 0.5, high + 0.5)


def _draw(dots: Dots, series: Series, line: list[tuple[float, float]], style: str, tag: str) -> None:
    if series.style == "points":
        for point in line:
            dots.put(point, "o" if dots.plain else "●", style)
    elif len(line) == 1:
        dots.put(line[0], "*", style)
    else:
        for start, end in pairwise(line):
            dots.line(start, end, style, gap=2 if series.style == "dashed" else 0)
    if tag and line:
        dots.put(line[len(line) * 2 // 3], tag, style)


def _tag(panel: Curves, i: int) -> str:
    """A number for a line that another one looks like."""
    alike = [series for series in panel.series if series.style == panel.series[i].style]
    return str(i + 1) if len(alike) > 1 and len(panel.series) <= _MANY else ""


def _legend(panel: Curves, width: int, plain: bool) -> Lines:
    if len(panel.series) > _MANY:
        return [Text(f"{len(panel.series)} curves", "atlas.muted")]
    samples = (
        {"line": "--", "dashed": "- -", "points": "o"}
        if plain
        else {"line": "──", "dashed": "╌╌", "points": "●"}
    )
    named = []
    for i, series in enumerate(panel.series):
        tag = _tag(panel, i)
        named.append((f"{samples[series.style]}{tag} {series.label}", HUES[i % len(HUES)]))
    return joined(named, width)


def joined(parts: list[tuple[str, str]], width: int) -> Lines:
    """Legend entries side by side, as many as a line has room for."""
    lines: Lines = [Text()]
    for text, style in parts:
        if lines[-1].plain and len(lines[-1].plain) + len(text) + 3 > width:
            lines.append(Text())
        lines[-1] = Text.assemble(lines[-1], "   " if lines[-1].plain else "", (text, style))
    return [piece for line in lines for piece in wrap(line, width)]


def _plane(window: tuple[float, float, float, float], width: int, plain: bool) -> Dots:
    margin = _y_ends(window)[1]
    columns = min(width - margin - 2, 2 * SQUARE)
    return Dots(columns, max(5, columns // 2), window, plain)


def _y_ends(window: tuple[float, float, float, float]) -> tuple[list[str], int]:
    ends = [number(window[3]), number(window[2])]
    return ends, max(map(len, ends))


def _x_foot(window: tuple[float, float, float, float], dots: Dots) -> Text:
    return foot(number(window[0]), "", number(window[1]), dots.columns, _y_ends(window)[1])


def framed(rows: Lines, names: Sequence[str], margin: int, plain: bool) -> Lines:
    """The rows behind an axis, with a name for each of them, or for the first and the last alone."""
    wall, corner, floor = ("|", "+", "-") if plain else ("│", "└", "─")
    if len(names) != len(rows):
        names = [names[0], *[""] * (len(rows) - 2), names[-1]]
    behind = [
        Text.assemble((f"{name:>{margin}} {wall}", "atlas.muted"), row)
        for name, row in zip(names, rows, strict=True)
    ]
    width = len(rows[0].plain)
    return [*behind, Text(" " * (margin + 1) + corner + floor * width, "atlas.muted")]


def foot(left: str, label: str, right: str, columns: int, margin: int) -> Text:
    room = columns - len(left) - len(right)
    middle = label if len(label) + 2 <= room else label[: max(0, room - 2)]
    return Text(" " * (margin + 2) + left + f"{middle:^{max(0, room)}}" + right, "atlas.muted")


def head(dx: float, dy: float, plain: bool) -> str:
    if math.hypot(dx, dy) < 1e-9:
        return "." if plain else "·"
    return (_PLAIN_HEADS if plain else _HEADS)[round(math.atan2(dy, dx) / (math.pi / 4)) % 8]


def number(value: float, span: float = 0.0) -> str:
    """Short: 0.25, 1200, 3e+06; 0 where it is next to nothing on an axis of that span."""
    if abs(value) < max(1e-12, span / 1000):
        return "0"
    return f"{value:.0f}" if 100 <= abs(value) < 1e5 else f"{value:.2g}"
