"""Curves, scatters and quivers as SVG; every group has its own mark, every line its own dashes or number."""

from __future__ import annotations

import math
from collections.abc import Callable

from atlas_cli.diagrams.frames import Curves, Group, Quiver, Range, Scatter, Series
from atlas_cli.diagrams.svg.style import N_HUES, text

_HEIGHT = 220.0  # of a plot
_SIDE = 340.0  # of a picture of the plane
_LEFT, _BELOW = 46.0, 34.0
_MANY = 6  # curves that are named
Place = Callable[[float, float], tuple[float, float]]


def curves(panel: Curves, width: float) -> tuple[list[str], float]:
    """A plot with axes, a marker where the knob stands, and a legend."""
    shown = [_scaled(series, panel) for series in panel.series]
    every = [point for line in shown for point in line]
    marker = None if panel.marker is None else _log(panel.marker, panel.log_x)
    xs = [x for x, _ in every] + ([marker] if marker is not None else [])
    ys = [y for _, y in every]
    if not every:
        return [text(0, 14, "nothing to draw", "soft")], 24
    window = (min(xs), max(xs), *_roomy(min(ys), max(ys)))
    place = placer(window, _LEFT, width - 6, _HEIGHT)
    parts = [_axes(width, _HEIGHT)]
    if marker is not None:
        x, _ = place(marker, window[2])
        parts.append(f'<path class="axis" stroke-dasharray="3 3" d="M{x:.1f} 0V{_HEIGHT:g}"/>')
    for i, (series, line) in enumerate(zip(panel.series, shown, strict=True)):
        points = [place(*point) for point in line]
        parts.append(_line(series, points, i))
        if points and _tag(panel, i):
            x, y = points[len(points) * 2 // 3]
            parts.append(text(x + 3, y - 5, _tag(panel, i), f"f{i % N_HUES}", 12, 'font-weight="700"'))
    parts += _ends(panel, window, width)
    legend, height = _legend(panel, width)
    return [*parts, *legend], _HEIGHT + _BELOW + height


def scatter(panel: Scatter, width: float) -> tuple[list[str], float]:
    """Points, later groups on top."""
    side = min(width - _LEFT, _SIDE)
    place = placer(panel.range, _LEFT, _LEFT + side, side)
    parts = _plane(panel.range, side)
    lone = len(panel.groups) == 1  # a single group is drawn with the larger mark
    x, y = _LEFT, side + 32
    for i, group in enumerate(panel.groups):
        parts.append(f'<g class="{_mark_class(panel, i)}">{"".join(_marks(group, place, i + lone))}</g>')
    for i, group in enumerate(panel.groups):
        wide = 30 + 6.6 * len(group.label)
        if x > _LEFT and x + wide > width + 16:
            x, y = _LEFT, y + 18
        sample = mark(i + lone, x + 6, y - 4)
        parts.append(f'<g class="{_mark_class(panel, i)}">{sample}</g>')
        parts.append(text(x + 14, y, group.label, "soft", 12))
        x += wide
    return parts, y + 10


def quiver(panel: Quiver, width: float) -> tuple[list[str], float]:
    """An arrow from each point; one of no length is a dot."""
    side = min(width - _LEFT, _SIDE)
    place = placer(panel.range, _LEFT, _LEFT + side, side)
    few = len(panel.points) <= N_HUES
    parts = _plane(panel.range, side)
    for i, ((x, y), (dx, dy)) in enumerate(zip(panel.points, panel.vectors, strict=True)):
        hue = i % N_HUES if few else 0
        start, tip = place(x, y), place(x + dx, y + dy)
        parts.append(arrow(start, tip, hue, 2.4 if few else 1.4))
    for i, name in enumerate(panel.names):
        x = _LEFT + 110.0 * i
        parts += [
            arrow((x, side + 28), (x + 24, side + 28), i, 2.4),
            text(x + 30, side + 32, name, "soft", 12),
        ]
    return parts, side + (42 if panel.names else 24)


def arrow(start: tuple[float, float], tip: tuple[float, float], hue: int, thick: float) -> str:
    (x1, y1), (x2, y2) = start, tip
    length = math.hypot(x2 - x1, y2 - y1)
    if length < 0.5:
        return f'<circle class="f{hue}" cx="{x1:.1f}" cy="{y1:.1f}" r="1.5"/>'
    ux, uy = (x2 - x1) / length, (y2 - y1) / length
    head = min(3.2 * thick, 0.6 * length)
    nx, ny = x2 - ux * head, y2 - uy * head
    half = head * 0.5
    return (
        f'<path class="s{hue}" stroke-width="{thick:g}" d="M{x1:.1f} {y1:.1f}L{nx:.1f} {ny:.1f}"/>'
        f'<path class="f{hue}" d="M{x2:.1f} {y2:.1f}L{nx - uy * half:.1f} {ny + ux * half:.1f}'
        f'L{nx + uy * half:.1f} {ny - ux * half:.1f}Z"/>'
    )


def _line(series: Series, points: list[tuple[float, float]], i: int) -> str:
    hue = i % N_HUES
    if series.style == "points":
        dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.4"/>' for x, y in points)
        return f'<g class="f{hue}">{dots}</g>'
    way = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    dashed = " dashed" if series.style == "dashed" else ""
    return f'<path class="line s{hue}{dashed}" d="M{way}"/>' if points else ""


def _tag(panel: Curves, i: int) -> str:
    """A number for a line that another one looks like, but for its colour."""
    alike = [series for series in panel.series if series.style == panel.series[i].style]
    return str(i + 1) if len(alike) > 1 and len(panel.series) <= _MANY else ""


def _mark_class(panel: Scatter, i: int) -> str:
    if i == 0 and len(panel.groups) > 1:
        return "soft"
    return f"f{(i - 1) % N_HUES if len(panel.groups) > 1 else 0}"


def _marks(group: Group, place: Place, i: int) -> list[str]:
    return [mark(i, *place(x, y)) for x, y in group.points]


def mark(i: int, x: float, y: float) -> str:
    """Of group i: dot, disc, square, triangle, diamond."""
    match i % 5:
        case 0:
            return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="1.8"/>'
        case 1:
            return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.6"/>'
        case 2:
            return f'<rect x="{x - 3:.1f}" y="{y - 3:.1f}" width="6" height="6"/>'
        case 3:
            return f'<path d="M{x:.1f} {y - 4:.1f}l4 7h-8z"/>'
        case _:
            return f'<path d="M{x:.1f} {y - 4.5:.1f}l4.5 4.5l-4.5 4.5l-4.5 -4.5z"/>'


def _scaled(series: Series, panel: Curves) -> list[tuple[float, float]]:
    return [
        (_log(x, panel.log_x), _log(y, panel.log_y))
        for x, y in zip(series.xs, series.ys, strict=True)
        if (x > 0 or not panel.log_x) and (y > 0 or not panel.log_y)
    ]


def _log(value: float, wanted: bool) -> float:
    return math.log10(value) if wanted else value


def _roomy(low: float, high: float) -> tuple[float, float]:
    return (low, high) if high - low > 1e-12 else (low - 0.5, high + 0.5)


def placer(window: Range, left: float, right: float, height: float) -> Place:
    x1, x2, y1, y2 = window

    def place(x: float, y: float) -> tuple[float, float]:
        across = (x - x1) / ((x2 - x1) or 1.0)
        return left + across * (right - left), height * (1 - (y - y1) / ((y2 - y1) or 1.0))

    return place


def _axes(width: float, height: float) -> str:
    return f'<path class="axis" fill="none" d="M{_LEFT:g} 0V{height:g}H{width - 6:.1f}"/>'


def _plane(window: Range, side: float) -> list[str]:
    """A square with the numbers at its ends and middles."""
    x1, x2, y1, y2 = window
    parts = [f'<rect class="grid" fill="none" x="{_LEFT:g}" width="{side:g}" height="{side:g}"/>']
    for share, anchor in ((0.0, "start"), (0.5, "middle"), (1.0, "end")):
        across, up = x1 + share * (x2 - x1), y1 + share * (y2 - y1)
        below = number(across, x2 - x1)
        parts.append(text(_LEFT + share * side, side + 14, below, "soft", 11, f'text-anchor="{anchor}"'))
        y = (1 - share) * side + 10 * share
        parts.append(text(_LEFT - 6, y, number(up, y2 - y1), "soft", 11, 'text-anchor="end"'))
    return parts


def _ends(panel: Curves, window: Range, width: float) -> list[str]:
    """The numbers at the ends of both axes, and the name of the axis between them."""
    x1, x2 = (10**v if panel.log_x else v for v in window[:2])
    y1, y2 = (10**v if panel.log_y else v for v in window[2:])
    across, span = 0.0 if panel.log_x else x2 - x1, 0.0 if panel.log_y else y2 - y1
    below = _HEIGHT + 16
    return [
        text(_LEFT - 6, 10, number(y2, span), "soft", 11, 'text-anchor="end"'),
        text(_LEFT - 6, _HEIGHT, number(y1, span), "soft", 11, 'text-anchor="end"'),
        text(_LEFT, below, number(x1, across), "soft", 11),
        text(width - 6, below, number(x2, across), "soft", 11, 'text-anchor="end"'),
        text((_LEFT + width) / 2, below, _named_axes(panel), "soft", 12, 'text-anchor="middle"'),
    ]


def _named_axes(panel: Curves) -> str:
    axes = (("", panel.x_label, panel.log_x), ("up: ", panel.y_label, panel.log_y))
    return ", ".join(
        f"{way}{label or 'value'}{' (log scale)' if log else ''}" for way, label, log in axes if label or log
    )


def number(value: float, span: float) -> str:
    """Three digits; 0 where it is next to nothing on an axis of that span."""
    if abs(value) < span / 1000:
        return "0"
    return f"{value:.0f}" if 1000 <= abs(value) < 1e5 else f"{value:.3g}"


def _legend(panel: Curves, width: float) -> tuple[list[str], float]:
    if len(panel.series) > _MANY:
        return [], 0.0
    parts: list[str] = []
    x, y = _LEFT, _HEIGHT + _BELOW
    for i, series in enumerate(panel.series):
        label = f"{_tag(panel, i)} {series.label}".strip()
        wide = 48 + 6.8 * len(label)
        if x > _LEFT and x + wide > width:
            x, y = _LEFT, y + 18
        points = [(x + 12, y)] if series.style == "points" else [(x, y), (x + 24, y)]
        parts += [_line(series, points, i), text(x + 30, y + 4, label, "soft", 12)]
        x += wide
    return parts, y - _HEIGHT - _BELOW + 14
