"""A frame of an explorable as an SVG file, for slides and papers.

Each panel is drawn at the origin in a given width and says how high it came out; the file puts them in
place. A new kind of panel adds one line to `PANELS`, at the end of this file.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Mapping
from itertools import groupby
from typing import Any

from atlas_cli.diagrams.frames import (
    Bars,
    Curves,
    Explorable,
    Frame,
    Heatmap,
    Images,
    Panel,
    Quiver,
    Scatter,
    Tokens,
    Value,
    Words,
    told,
)
from atlas_cli.diagrams.shades import N_SHADES
from atlas_cli.diagrams.sketch import Sketch
from atlas_cli.diagrams.svg.plots import curves, quiver, scatter
from atlas_cli.diagrams.svg.sketch import sketch
from atlas_cli.diagrams.svg.style import WIDTH, document, style_sheet, text, wrapped

_MARGIN, _GAP = 28.0, 30.0
_TITLE = 24.0  # height of a panel's title line
Drawn = tuple[list[str], float]  # elements, and their height


def svg(explorable: Explorable, frame: Frame, setting: Mapping[str, Value]) -> str:
    """The whole file: title, where the knobs stand, panels, figures, and what to look for."""
    from atlas_cli.diagrams.text.panels import shown_value

    knobs = " · ".join(f"{knob.label}: {shown_value(knob, setting[knob.name])}" for knob in explorable.knobs)
    parts = [text(_MARGIN, 44, explorable.title, size=22, more='font-weight="600"')]
    parts.append(text(_MARGIN, 68, knobs, "soft", 14))
    y = 92.0
    for row in frame.panels:
        y += _row(parts, row, y) + _GAP / 2
    facts = " · ".join(f"{name}: {told(value)}" for name, value in frame.facts.items())
    for line, kind in (
        *((line, "soft") for line in wrapped(facts, WIDTH - 2 * _MARGIN, 13)),
        *((line, "ink") for line in wrapped(frame.caption, WIDTH - 2 * _MARGIN, 13)),
    ):
        y += 20
        parts.append(text(_MARGIN, y, line, kind, 13))
    return document(explorable.title, f"{knobs}. {frame.caption}", "\n".join(parts), y + 24, style_sheet())


def _row(parts: list[str], row: tuple[Panel, ...], y: float) -> float:
    """Put the panels of a row side by side; returns the row's height."""
    each = (WIDTH - 2 * _MARGIN - _GAP * (len(row) - 1)) / len(row)
    highest = 0.0
    for i, panel in enumerate(row):
        elements, height = _titled(panel, each)
        x = _MARGIN + i * (each + _GAP)
        parts.append(f'<g transform="translate({x:.1f} {y:.1f})">{"".join(elements)}</g>')
        highest = max(highest, height)
    return highest


def _titled(panel: Panel, width: float) -> Drawn:
    lines = wrapped(panel.title, width, 14)
    head = [text(0, 14 + 18 * i, line, size=14, more='font-weight="600"') for i, line in enumerate(lines)]
    down = _TITLE + 18 * (len(lines) - 1)
    elements, height = PANELS[type(panel)](panel, width)
    return [*head, f'<g transform="translate(0 {down:g})">', *elements, "</g>"], height + down


def _heatmap(panel: Heatmap, width: float) -> Drawn:
    left = 12.0 + 7 * max(map(len, panel.y_ticks), default=0)
    n_rows, n_columns = len(panel.rows), len(panel.rows[0])
    cell = (width - left) / n_columns
    high = min(cell, 30.0, 330.0 / n_rows)
    parts = []
    for i, row in enumerate(panel.rows):
        j = 0
        for shade, run in groupby(_shade(panel, value) for value in row):  # neighbours alike are one
            n = len(list(run))
            parts.append(
                f'<rect class="{shade}" x="{left + j * cell:.1f}" y="{i * high:.1f}"'
                f' width="{n * cell:.1f}" height="{high:.1f}"/>'
            )
            j += n
    bottom = n_rows * high
    parts.append(
        f'<rect class="axis" fill="none" x="{left:.1f}" width="{width - left:.1f}" height="{bottom:.1f}"/>'
    )
    for i, tick in enumerate(panel.y_ticks):
        y = (i * (n_rows - 1) / max(1, len(panel.y_ticks) - 1) + 0.5) * high + 4
        parts.append(text(left - 6, y, tick, "soft", 11, 'text-anchor="end"'))
    for i, tick in enumerate(panel.x_ticks):
        x = left + (i * (n_columns - 1) / max(1, len(panel.x_ticks) - 1) + 0.5) * cell
        parts.append(text(x, bottom + 15, tick, "soft", 11, 'text-anchor="middle"'))
    axes = ", ".join(f"{a} {b}" for a, b in (("across:", panel.x_label), ("down:", panel.y_label)) if b)
    parts.append(text(left, bottom + 32, axes, "soft", 11))
    return [*parts, *_key(panel, left, bottom + 42)], bottom + 62


def _key(panel: Heatmap, x: float, y: float) -> list[str]:
    """What the shades mean: their names, or the values at their ends and what lies between."""
    parts = []
    for name, value in panel.names:
        parts.append(f'<rect class="{_shade(panel, value)}" x="{x:.1f}" y="{y:.1f}" width="12" height="12"/>')
        parts.append(f'<rect class="axis" fill="none" x="{x:.1f}" y="{y:.1f}" width="12" height="12"/>')
        parts.append(text(x + 18, y + 10, name, "soft", 11))
        x += 36 + 6.2 * len(name)
    if panel.names:
        return parts
    low, high = told(float(panel.low)), told(float(panel.high))
    x += 6.4 * len(low) + 6
    step = (panel.high - panel.low) / (N_SHADES - 1)
    for i in range(N_SHADES):
        shade = _shade(panel, panel.low + i * step)
        parts.append(f'<rect class="{shade}" x="{x + 4 * i:.1f}" y="{y + 1:.1f}" width="4" height="10"/>')
    parts.append(text(x - 6, y + 10, low, "soft", 11, 'text-anchor="end"'))
    parts.append(text(x + 4 * N_SHADES + 6, y + 10, high, "soft", 11))
    return parts


def _shade(panel: Heatmap, value: float) -> str:
    share = min(1.0, max(0.0, (value - panel.low) / ((panel.high - panel.low) or 1.0)))
    return f"{'d' if panel.diverging else 'h'}{round(share * (N_SHADES - 1))}"


def _bars(panel: Bars, width: float) -> Drawn:
    left = 10.0 + 7.2 * max(map(len, panel.labels), default=0)
    room = width - left - 56
    pitch = 22.0
    parts = []
    for i, (label, value) in enumerate(zip(panel.labels, panel.values, strict=True)):
        y, long = i * pitch, room * min(1.0, max(0.0, value / (panel.high or 1.0)))
        parts += [
            text(left - 8, y + 13, label, "ink", 12, 'text-anchor="end"'),
            f'<rect class="rail" x="{left:.1f}" y="{y + 2:.1f}" width="{room:.1f}" height="15" rx="3"/>',
            f'<rect class="bar" x="{left:.1f}" y="{y + 2:.1f}" width="{long:.1f}" height="15" rx="3"/>',
            text(left + room + 6, y + 14, told(float(value)), "soft", 12),
        ]
    return parts, pitch * len(panel.labels) + 6


def _images(panel: Images, width: float) -> Drawn:
    columns = max(1, min(panel.columns, len(panel.images)))
    each = min(180.0, (width - 8 * (columns - 1)) / columns)
    pitch = each + (22 if panel.captions else 8)
    parts = []
    for i, image in enumerate(panel.images):
        x, y = (i % columns) * (each + 8), (i // columns) * pitch
        parts.append(
            f'<image x="{x:.1f}" y="{y:.1f}" width="{each:.1f}" height="{each:.1f}" '
            f'style="image-rendering: pixelated" href="data:image/png;base64,{_png(image)}"/>'
        )
        if panel.captions:
            parts.append(text(x, y + each + 15, panel.captions[i], "soft", 12))
    return parts, pitch * -(-len(panel.images) // columns)


def _png(image: tuple[tuple[float, ...], ...]) -> str:
    from PIL import Image

    levels = bytes(round(255 * min(1.0, max(0.0, value))) for row in image for value in row)
    file = io.BytesIO()
    Image.frombytes("L", (len(image[0]), len(image)), levels).save(file, "png")
    return base64.b64encode(file.getvalue()).decode()


def _tokens(panel: Tokens, width: float) -> Drawn:
    """Pieces with a meter below, whose height is the weight, and the note."""
    parts: list[str] = []
    x = y = 0.0
    for piece, weight, note in panel.tokens:
        room = 8.2 * max(len(piece), len(note), 2) + 2
        if x and x + room > width:
            x, y = 0.0, y + 66
        high = 22 * min(1.0, max(0.0, weight))
        parts += [
            text(x + 3, y + 14, piece, "ink", 14, 'font-family="ui-monospace, monospace"'),
            f'<rect class="rail" x="{x:.1f}" y="{y + 20:.1f}" width="{room:.1f}" height="22"/>',
            f'<rect class="bar" x="{x:.1f}" y="{y + 42 - high:.1f}" width="{room:.1f}" height="{high:.1f}"/>',
            text(x + 3, y + 55, note, "soft", 11),
        ]
        x += room + 6
    return parts, y + 66


def _words(panel: Words, width: float) -> Drawn:
    lines = [piece for line in panel.lines for piece in wrapped(line, width, 13)]
    return [text(0, 14 + 19 * i, line, size=13) for i, line in enumerate(lines)], 19 * len(lines) + 6


PANELS: dict[type[Panel], Callable[[Any, float], Drawn]] = {
    Heatmap: _heatmap,
    Curves: curves,
    Scatter: scatter,
    Quiver: quiver,
    Sketch: sketch,
    Bars: _bars,
    Images: _images,
    Tokens: _tokens,
    Words: _words,
}
