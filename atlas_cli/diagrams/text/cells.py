"""Heatmaps, images, bars, tokens and words in a terminal: shades and lengths, coloured besides."""

from __future__ import annotations

from rich.cells import cell_len
from rich.text import Text

from atlas_cli.diagrams.frames import Bars, Heatmap, Images, Tokens, Words, told
from atlas_cli.diagrams.text.dots import Dots
from atlas_cli.diagrams.text.look import Look
from atlas_cli.diagrams.text.parts import cell_says, mark, part_of
from atlas_cli.screen.lines import Lines, hang, wrap

_SHADES, _PLAIN_SHADES = " ·░▒▓█", " .:+%#"
_NEGATIVE, _PLAIN_NEGATIVE = " ‐–=≡≣", " ,-~=@"
_GREYS, _PLAIN_GREYS = " ·░▒▓█", " .:-=+*#%@"
_METER, _PLAIN_METER = " ▁▂▃▄▅▆▇█", " .:-=+*#@"
_EIGHTHS = " ▏▎▍▌▋▊▉"
_CELL = 4  # columns of a heatmap's cell at most; it is one line high
_NAME = 14  # longest name beside a bar or a row
_BAR = 40  # columns of a full bar at most
_Image = tuple[tuple[float, ...], ...]
_STRIP = 5  # images in one row, from which on they stay in it, at half their size where that helps


def heatmap(panel: Heatmap, look: Look) -> Lines:
    """A shade for each cell, the stronger the more is covered; what is negative has strokes for dots."""
    width, plain = look.width, look.plain
    names = _spread(panel.y_ticks, len(panel.rows))
    margin = max(map(cell_len, names), default=0)
    margin = min(margin, _NAME)
    columns = len(panel.rows[0])
    cell = max(1, min(_CELL, (width - margin - 3) // columns))
    every = -(-columns // max(1, width - margin - 3))  # of more columns than there is room for, each nth
    wall = "|" if plain else "│"
    lines = []
    for r, (name, row) in enumerate(zip(names, panel.rows, strict=True)):
        shown = Text(f"{name[:margin]:>{margin}} {wall}", "atlas.muted")
        for c in range(0, columns, every):
            start = len(shown)
            shown.append(*_shade(row[c], panel, cell, plain))
            if look.hands:
                part = part_of(panel, look.number, {"x": (c,), "y": (r,)}, cell_says(panel, r, c))
                mark(shown, part, start, len(shown))
        lines.append(shown.append(wall, "atlas.muted"))
    ticks = _column_ticks(panel, margin, cell * len(panel.rows[0][::every]))
    return [*lines, *ticks, *_axes(panel, width), *_key(panel, width, plain)]


def _key(panel: Heatmap, width: int, plain: bool) -> Lines:
    """The names of the shades, where they have any."""
    samples = ("".join((_shade(value, panel, 2, plain)[0], " ", name)) for name, value in panel.names)
    return wrap(Text("   ".join(samples), "atlas.muted"), width) if panel.names else []


def _shade(value: float, panel: Heatmap, cell: int, plain: bool) -> tuple[str, str]:
    span = (panel.high - panel.low) or 1.0
    share = min(1.0, max(0.0, (value - panel.low) / span))
    ramp = _PLAIN_SHADES if plain else _SHADES
    style = "atlas.accent"
    if panel.diverging:
        if share < 0.5:
            ramp, style = (_PLAIN_NEGATIVE if plain else _NEGATIVE), "atlas.mark"
        share = abs(2 * share - 1)
    return _level(ramp, share) * cell, style


def shade_of(share: float, signed: bool, plain: bool) -> str:
    """The character of a share of 0 to 1; of a signed one, strokes for what is below the middle."""
    ramp = _PLAIN_SHADES if plain else _SHADES
    if signed:
        ramp = (_PLAIN_NEGATIVE if plain else _NEGATIVE) if share < 0.5 else ramp
        share = abs(2 * share - 1)
    return _level(ramp, share)


def meter_of(share: float, plain: bool) -> str:
    """A column as high as a share of 0 to 1."""
    meter = _PLAIN_METER if plain else _METER
    return meter[min(len(meter) - 1, max(0, round(share * (len(meter) - 1))))]


def _level(ramp: str, share: float) -> str:
    """The character of a share; anything above nothing is seen."""
    if share <= 0.005:
        return ramp[0]
    return ramp[min(len(ramp) - 1, 1 + int(share * (len(ramp) - 1)))]


def _spread(ticks: tuple[str, ...], n: int) -> list[str]:
    """Tick labels at their rows, evenly from first to last, blanks elsewhere."""
    names = [""] * n
    for i, tick in enumerate(ticks):
        names[round(i * (n - 1) / max(1, len(ticks) - 1))] = tick
    return names


def _column_ticks(panel: Heatmap, margin: int, columns: int) -> Lines:
    if not panel.x_ticks:
        return []
    line = [" "] * (columns + 8)
    free = 0
    for i, tick in enumerate(panel.x_ticks):
        last = i == len(panel.x_ticks) - 1
        at = columns - len(tick) if last else round(i * (columns - 1) / max(1, len(panel.x_ticks) - 1))
        if at >= free:
            line[at : at + len(tick)] = tick
            free = at + len(tick) + 1
    return [Text(" " * (margin + 2) + "".join(line).rstrip(), "atlas.muted")]


def _axes(panel: Heatmap, width: int) -> Lines:
    axes = ", ".join(
        f"{way} {label}" for way, label in (("across:", panel.x_label), ("down:", panel.y_label)) if label
    )
    return wrap(Text(axes, "atlas.muted"), width) if axes else []


def images(panel: Images, look: Look) -> Lines:
    """Images in their grid; with colour two pixels a character, without it their mean as a shade.

    A strip of many that does not fit is drawn at half the size.
    """
    width, plain, colour = look.width, look.plain, look.colour
    wide, n, gap, draw = len(panel.images[0][0]), len(panel.images), 2, _pixels
    if _STRIP <= n <= panel.columns and n * (wide + gap) > width + gap:
        wide, gap, draw = -(-wide // 2), 1, _small
    columns = max(1, min(panel.columns, (width + gap) // (wide + gap)))
    captions = panel.captions or ("",) * len(panel.images)
    lines: Lines = []
    for start in range(0, len(panel.images), columns):
        if lines:
            lines.append(Text())
        group = [draw(image, plain, colour) for image in panel.images[start : start + columns]]
        for pieces in zip(*group, strict=True):
            if look.hands:
                for i, piece in enumerate(pieces, start=start):
                    mark(piece, part_of(panel, look.number, {"x": (i,)}, captions[i]), 0, len(piece))
            lines.append(Text(" " * gap).join(pieces))
        names = captions[start : start + columns]
        if any(names):
            said = (" " * gap).join(f"{name[:wide]:<{wide}}" for name in names)
            lines.append(Text(said, "atlas.muted"))
    return lines


def _small(image: _Image, plain: bool, colour: bool) -> Lines:
    """At half the size: without colour a dot for each pixel brighter than grey, else means of four."""
    high, wide = len(image), len(image[0])
    if not (colour or plain):
        dots = Dots(-(-wide // 2), -(-high // 4), (0, 2 * -(-wide // 2) - 1, 1 - 4 * -(-high // 4), 0))
        for y, row in enumerate(image):
            for x, value in enumerate(row):
                if value > 0.5:
                    dots.line((x, -y), (x, -y), "")
        return dots.rows()
    pairs = zip(image[::2], image[1::2], strict=False)
    means = (
        tuple((a + b + c + d) / 4 for a, b, c, d in zip(up[::2], up[1::2], low[::2], low[1::2], strict=False))
        for up, low in pairs
    )
    return _pixels(tuple(means), plain, colour)


def _pixels(image: _Image, plain: bool, colour: bool) -> Lines:
    rows = list(image) + ([(0.0,) * len(image[0])] if len(image) % 2 else [])
    lines = []
    for upper, lower in zip(rows[::2], rows[1::2], strict=True):
        if colour and not plain:
            line = Text()
            for a, b in zip(upper, lower, strict=True):
                line.append("▀", f"{_grey(a)} on {_grey(b)}")
        else:
            ramp = _PLAIN_GREYS if plain else _GREYS
            line = Text("".join(_level(ramp, (a + b) / 2) for a, b in zip(upper, lower, strict=True)))
        lines.append(line)
    return lines


def _grey(value: float) -> str:
    level = round(255 * min(1.0, max(0.0, value)))
    return f"#{level:02x}{level:02x}{level:02x}"


def bars(panel: Bars, look: Look) -> Lines:
    """A bar for each amount, with the amount in digits."""
    width, plain = look.width, look.plain
    figures = [told(float(value)) for value in panel.values]
    margin = min(_NAME, max(map(len, panel.labels), default=0))
    room = max(4, min(_BAR, width - margin - 2 - max(map(len, figures), default=0) - 1))
    lines = []
    for i, (label, value, figure) in enumerate(zip(panel.labels, panel.values, figures, strict=True)):
        share = min(1.0, max(0.0, value / panel.high if panel.high else 0.0))
        bar = _bar(share, room, plain)
        lines.append(
            Text.assemble(
                (f"{label[:margin]:<{margin}}  ", ""),
                (f"{bar:<{room}}", "atlas.accent"),
                (f" {figure}", "atlas.muted"),
            )
        )
        if look.hands:
            mark(
                lines[-1],
                part_of(panel, look.number, {"x": (i,)}, f"{label.strip()}: {figure}"),
                0,
                len(lines[-1]),
            )
    return lines


def _bar(share: float, room: int, plain: bool) -> str:
    if plain:
        return "#" * round(share * room)
    eighths = round(share * room * 8)
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def tokens(panel: Tokens, look: Look) -> Lines:
    """Three lines: the pieces, their weights as a meter, their notes; as often as the width asks for."""
    width, plain = look.width, look.plain
    blocks: list[list[Text]] = []
    used = width + 1
    for i, (text, weight, note) in enumerate(panel.tokens):
        part = (
            part_of(panel, look.number, {"x": (i,)}, f"{text.strip()} {note}".strip()) if look.hands else None
        )
        wide = max(len(text), len(note), 2)
        if used + wide > width:
            blocks.append([Text(), Text(), Text()])
            used = 0
        level = meter_of(weight, plain)
        for line, (piece, style) in zip(
            blocks[-1],
            (
                (text, "bold" if weight >= 0.5 else ""),
                (level * max(len(text), 2), "atlas.mark"),
                (note, "atlas.muted"),
            ),
            strict=True,
        ):
            line.append(f"{piece:<{wide}}", style)
            mark(line, part, len(line) - wide, len(line))
            line.append(" ")
        used += wide + 1
    return [line for i, block in enumerate(blocks) for line in ([Text()] if i else []) + block]


def words(panel: Words, look: Look) -> Lines:
    """The lines, wrapped; what runs over is moved in."""
    width = look.width
    return [
        piece for line in panel.lines for piece in (
            wrap(Text(line), width) if len(line) <= width else hang(Text(""), wrap(Text(line), width - 2), 2)
        )
    ]  # fmt: skip
