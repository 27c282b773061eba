"""An explorable in a terminal: its knobs, the panels of one frame, what to look for, and the figures.

Panels that stand in one row of the frame stand side by side where there is room, and below one another
where there is not. A new kind of panel adds one line to `PANELS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rich.cells import cell_len
from rich.text import Text

from atlas_cli.diagrams.frames import (
    Bars,
    Curves,
    Explorable,
    Frame,
    Heatmap,
    Images,
    Knob,
    Panel,
    Quiver,
    Scatter,
    Tokens,
    Value,
    Words,
    told,
)
from atlas_cli.diagrams.sketch import Sketch
from atlas_cli.diagrams.text import cells, plots
from atlas_cli.diagrams.text.look import Look
from atlas_cli.diagrams.text.sketch import sketch
from atlas_cli.screen.lines import Lines, indent, pairs, wrap
from atlas_cli.screen.terminal import TEXT_WIDTH

_NARROWEST = 34  # columns in which a panel can stand beside another
_GAP = 4
_TRACK = 24  # columns of a slider

PANELS: dict[type[Panel], Callable[[Any, Look], Lines]] = {
    Heatmap: cells.heatmap,
    Curves: plots.curves,
    Scatter: plots.scatter,
    Quiver: plots.quiver,
    Sketch: sketch,
    Bars: cells.bars,
    Images: cells.images,
    Tokens: cells.tokens,
    Words: cells.words,
}


def drawing(
    explorable: Explorable,
    frame: Frame,
    setting: Mapping[str, Value],
    width: int,
    plain: bool = False,
    colour: bool = False,
) -> Lines:
    """All of it, line by line.

    Args:
        explorable: What it is.
        frame: What it shows for this setting.
        setting: Where the knobs stand.
        width: Columns to draw it in.
        plain: Draw in ASCII.
        colour: Whether colours will be seen; images then have twice the resolution.
    """
    return [
        *wrap(Text(explorable.title, "atlas.head"), width),
        Text(),
        *_knobs(explorable, setting, width, plain),
        Text(),
        *panels(frame, width, plain, colour),
        *_facts(frame, width),
        Text(),
        *said(explorable, frame, width),
    ]


def panels(frame: Frame, width: int, plain: bool = False, colour: bool = False, hands: bool = False) -> Lines:
    """The panels of a frame, a blank line after each row; for the arguments see `Look`."""
    lines: Lines = []
    number = 0
    for row in frame.panels:
        each = (width - _GAP * (len(row) - 1)) // len(row)
        look = Look(each if each >= _NARROWEST else width, plain, colour, hands, number)
        drawn = [panel_lines(panel, look._replace(number=number + i)) for i, panel in enumerate(row)]
        number += len(row)
        if each >= _NARROWEST:
            lines += _beside(drawn, hands)
        else:
            for i, block in enumerate(drawn):
                lines += [Text(), *block] if i else block
        lines.append(Text())
    return lines


def panel_lines(panel: Panel, look: Look) -> Lines:
    """One panel under its title."""
    return [*wrap(Text(panel.title, "bold"), look.width), *PANELS[type(panel)](panel, look)]


def said(explorable: Explorable, frame: Frame, width: int) -> Lines:
    """What to look for, and the question that the knobs answer."""
    width = min(width, TEXT_WIDTH)
    return [
        *wrap(Text(frame.caption), width),
        Text(),
        *pairs([(Text("?", "atlas.mark"), Text(explorable.question, "italic"))], width),
    ]


def shown_value(knob: Knob, value: Value) -> str:
    """A value with its unit."""
    whole = isinstance(value, float) and value.is_integer()
    text = f"{value:g}" if whole else told(value)
    return f"{text} {knob.unit}".rstrip()


def _beside(blocks: list[Lines], hands: bool) -> Lines:
    """Blocks of lines side by side, each as wide as it is; where hands are, blanks at the end are too."""
    widths = [max(cell_len(line.plain) for line in block) for block in blocks]
    lines = []
    for i in range(max(map(len, blocks))):
        line = Text()
        for block, width in zip(blocks, widths, strict=True):
            part = block[i] if i < len(block) else Text()
            line.append_text(part).append(" " * (width - cell_len(part.plain) + _GAP))
        if not hands:
            line.rstrip()
        lines.append(line)
    return lines


def _knobs(explorable: Explorable, setting: Mapping[str, Value], width: int, plain: bool) -> Lines:
    rows = []
    for knob in explorable.knobs:
        value = setting[knob.name]
        name = Text.assemble((knob.label, "atlas.accent"), (f"  {knob.name}=", "atlas.muted"))
        picture = _choice(knob, value) if knob.kind == "choice" else _slider(knob, value, plain)
        rows.append((name, picture))
    return pairs(rows, width)


def _slider(knob: Knob, value: Value, plain: bool) -> Text:
    place = round(knob.values.index(value) * (_TRACK - 1) / max(1, len(knob.values) - 1))
    track, handle = ("-", "O") if plain else ("─", "●")
    ends = [shown_value(knob, knob.values[i]) for i in (0, -1)]
    return Text.assemble(
        (shown_value(knob, value), "atlas.mark"),
        ("   " + ends[0] + " " + track * place, "atlas.muted"),
        (handle, "atlas.mark"),
        (track * (_TRACK - 1 - place) + " " + ends[1], "atlas.muted"),
    )


def _choice(knob: Knob, value: Value) -> Text:
    text = Text()
    for other in knob.values:
        chosen = other == value
        text.append(f"[{other}]" if chosen else f" {other} ", "atlas.mark" if chosen else "atlas.muted")
        text.append(" ")
    text.rstrip()
    return text


def _facts(frame: Frame, width: int) -> Lines:
    rows = [(Text(name, "atlas.muted"), Text(told(value))) for name, value in frame.facts.items()]
    return indent(pairs(rows, width), 0)
