"""The small pictures in the boxes of a block diagram as SVG: a path a shade, for a style sheet to colour."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby, zip_longest
from typing import NamedTuple

from atlas_cli.diagrams.grid.insides import Rooms, Size
from atlas_cli.diagrams.model import Diagram
from atlas_cli.diagrams.svg.style import N_LEVELS
from atlas_cli.diagrams.worked import Tile

_COLUMN = 7.6  # pixels of a column of characters where there is room
_LINE = 15.0  # pixels from one line of characters to the next
_TEXT = 12.0  # pixels of a line of small text
_LETTER = 6.4  # pixels of one of its letters
_FIGURE = 8.8  # and of a larger one
_BARS = 30.0  # height of bars
_KEY = 6.0  # width of a shade of the key
_BARE = 5.0  # pixels around a picture
_ABOVE = 3  # of them above it
_APART = 2  # columns between neighbours
_WIDEST = 4  # times its height a cell of a strip
_SMALLEST = 8.0  # pixels of a letter's height that a phone still shows
_MONO = 0.6  # of a fixed letter's height, its width

Pixel = tuple[float, float]


class Fit(NamedTuple):
    """How large tiles are drawn.

    Attributes:
        wish: Width of a tile, which its cells come near to.
        most: Of a cell.
        column: Pixels of a column of characters.
        share: Of their usual size, that of letters and cells; tiles that are drawn closer have smaller ones.
    """

    wish: float
    most: float
    column: float
    share: float = 1.0

    def cell(self, tile: Tile) -> float:
        """Side of a tile's cells: whole pixels, and their share where all is drawn closer."""
        return min(self.most, max(1.0, self.wish // tile.columns)) * self.share

    def size(self, tile: Tile) -> Size:
        """Room of a tile in characters."""
        width, height = self.extent(tile)
        return Size(math.ceil((width + 2) / self.column), math.ceil((height + _BARE) / _LINE))

    def extent(self, tile: Tile) -> tuple[float, float]:
        """Pixels of a tile with its words."""
        if tile.shades == "words":
            return len(tile.label) * _FIGURE * self.share, _LINE
        side = self.cell(tile)
        high = _BARS if tile.shades == "bars" else side * len(tile.rows)
        texts = _TEXT * (bool(tile.over) + bool(tile.label))
        return max(side * tile.columns, len(tile.label) * _LETTER * self.share), high + texts


def screen(column: float) -> Fit:
    """For a page as wide as a desk's, and for files."""
    return Fit(wish=104, most=7, column=column)


def phone(column: float) -> Fit:
    """For a page as narrow as a hand, where columns may be narrower than letters ask for."""
    share = min(1.0, column / _COLUMN)
    return Fit(wish=80, most=5, column=column, share=share)


def rooms(diagram: Diagram, fit: Fit) -> Rooms:
    """The sizes of all pictures of a diagram; of one that changes, as large as it gets."""
    if diagram.worked is None:
        return {}
    return {
        node: tuple(
            Size(max(size.width for size in sizes), max(size.height for size in sizes))
            for sizes in zip_longest(
                *([fit.size(tile) for tile in picture.tiles] for picture in pictures), fillvalue=Size(0, 0)
            )
        )
        for node, pictures in diagram.worked.pictures.items()
    }


def spread(tiles: Sequence[Tile], corners: Sequence[Pixel], end: float, fit: Fit) -> Iterator[str]:
    """The tiles of a box with their corners; strips grow along their line until they fill it to `end`."""
    placed = list(zip(tiles, corners, strict=False))  # there may be more places: a picture may grow later
    for y in dict.fromkeys(y for _, y in corners):
        starts = [x for x, other in corners if other == y]
        line = [(tile, corner) for tile, corner in placed if corner[1] == y]
        room = (end - starts[0] - _APART * fit.column * (len(starts) - 1)) / len(starts)
        grows = all(tile.is_strip for tile, _ in line)
        for i, (tile, (x, _)) in enumerate(line):
            if grows:
                x = starts[0] + i * (room + _APART * fit.column)
            yield draw(tile, x, y, fit, room if grows else 0)


def draw(tile: Tile, x: float, y: float, fit: Fit, room: float = 0) -> str:
    """A tile with its upper left corner there; a strip's cells are as wide as the room allows."""
    if tile.shades == "words":
        size = f' style="font-size:{15 * fit.share:.1f}px"' if fit.share < 1 else ""
        return f'<text class="figure" x="{x:.1f}" y="{y + 12:.1f}"{size}>{escape(tile.label)}</text>'
    side = fit.cell(tile)
    x, y = round(x), round(y) + _ABOVE  # so that neighbours meet in whole pixels
    pitch = min(max(side, room // tile.columns), _WIDEST * side)
    width = pitch * tile.columns
    parts = []
    if tile.over:
        parts.append(_letters(tile.over, x, y + 9, pitch))
        y += round(_TEXT)
    if tile.shades == "bars":
        high = _BARS
        parts.append(_bars(tile, x, y, pitch))
    else:
        high = side * len(tile.rows)
        cells = f"translate({x} {y + side / 2:g}) scale({_by(pitch, side)})"
        parts += [
            f'<g class="cells {tile.shades}" transform="{cells}" shape-rendering="crispEdges">'
            f"{_cells(tile)}</g>",
            f'<rect class="rim" x="{x - 0.5:g}" y="{y - 0.5:g}" width="{width + 1:g}" height="{high + 1:g}"'
            ' fill="none"/>',
            *_clouds(tile, x, y, side),
        ]
    if tile.label:
        small = f' style="font-size:{max(_SMALLEST, 11 * fit.share):.1f}px"' if fit.share < 1 else ""
        parts.append(f'<text class="under" x="{x}" y="{y + high + 11:g}"{small}>{escape(tile.label)}</text>')
    return "".join(parts)


def _letters(letters: str, x: float, y: float, pitch: float) -> str:
    """A letter above each column, in its middle."""
    size = min(pitch / _MONO, _TEXT)
    inset = (pitch - size * _MONO) / 2
    if not inset:
        where = f'x="{x:g}" textLength="{pitch * len(letters):g}" lengthAdjust="spacingAndGlyphs"'
    else:
        where = f'x="{" ".join(f"{x + inset + i * pitch:g}" for i in range(len(letters)))}"'
    return f'<text class="over" {where} y="{y:g}" style="font-size:{size:.1f}px">{escape(letters)}</text>'


def _by(width: float, height: float) -> str:
    return f"{width:g}" if width == height else f"{width:g} {height:g}"


def key(x: float, y: float) -> str:
    """The shades of numbers below and above nought, for a file; a page has its own."""
    shades = Tile("signed", (tuple(i / N_LEVELS for i in range(N_LEVELS + 1)),))
    end = x + 94 + _KEY * (N_LEVELS + 1)
    return (
        f'<text x="{x:g}" y="{y + 9:g}" class="soft" font-size="13">below nought</text>'
        f'<g class="cells signed" transform="translate({x + 86:g} {y + 5:g}) scale({_KEY:g} 10)">'
        f'{_cells(shades)}</g><text x="{end:g}" y="{y + 9:g}" class="soft" font-size="13">above</text>'
    )


def _cells(tile: Tile) -> str:
    """One path a shade; runs of one shade in one stroke, and the commonest shade beneath all."""
    runs: dict[int, list[str]] = defaultdict(list)
    counts: dict[int, int] = defaultdict(int)
    for number, row in enumerate(tile.rows):
        column = 0
        for level, cells in groupby(round(share * N_LEVELS) for share in row):
            length = len(list(cells))
            runs[level].append(f"M{column} {number}h{length}")
            counts[level] += length
            column += length
    ground = max(counts, key=lambda level: counts[level])
    runs[ground] = [f"M0 {number}h{tile.columns}" for number in range(len(tile.rows))]
    order = [ground, *sorted(runs.keys() - {ground})]
    return "".join(f'<path class="w{level}" d="{"".join(runs[level])}"/>' for level in order)


def _bars(tile: Tile, x: float, y: float, side: float) -> str:
    bars = "".join(
        f"M{x + i * side + 0.5:g} {y + _BARS:g}v{-max(share * _BARS, 0.5):.1f}h{side - 1:g}V{y + _BARS:g}z"
        for i, share in enumerate(tile.rows[0])
    )
    return f'<path class="bar" d="{bars}"/>'


def _clouds(tile: Tile, x: float, y: float, side: float) -> Iterator[str]:
    for number, (_, cloud) in enumerate(tile.clouds):
        dots = "".join(
            f'<circle cx="{x + a * side:.1f}" cy="{y + b * side:.1f}" r="{2.2 if number else 2.4}"/>'
            for a, b in cloud
        )
        yield f'<g class="cloud-{number}">{dots}</g>'
