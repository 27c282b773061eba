"""The stack of layers of which a block diagram draws one, as a row of small boxes; the step's is doubled."""

from __future__ import annotations

from atlas_cli.diagrams.model import Diagram
from atlas_cli.diagrams.text.canvas import Canvas
from atlas_cli.diagrams.text.tiles import Ink
from atlas_cli.screen.lines import Lines

# Corners, level, upright of a box, plain and doubled.
_LIGHT, _LIT = "┌┐└┘─│", "╔╗╚╝═║"
_ASCII_LIGHT, _ASCII_LIT = "....-|", "####=#"
_POINTER, _ASCII_POINTER = "▼", "v"


def stack(diagram: Diagram, width: int, step: int | None, ink: Ink) -> Lines:
    """A box a layer with the names of what not all have, as many in a line as there is room for."""
    if not diagram.stack:
        return []
    lit = diagram.steps[step - 1].layer if step else 0
    inner = max(3, *(len(name) for layer in diagram.stack for name in layer))  # room for its number
    box, high = inner + 2, 2 + max(map(len, diagram.stack))
    columns = max(1, min(len(diagram.stack), width // box))
    canvas = Canvas(ink.plain)
    for i, layer in enumerate(diagram.stack):
        x, y = i % columns * box, i // columns * (high + 1)
        _box(canvas, (x, y), (box, high), layer, i + 1, i + 1 == lit, ink.plain)
    return canvas.rows()


def _box(
    canvas: Canvas, corner: tuple[int, int], size: tuple[int, int], names: tuple[str, ...], number: int,
    lit: bool, plain: bool,
) -> None:  # fmt: skip
    (x, y), (width, height) = corner, size
    glyphs = (_ASCII_LIT if lit else _ASCII_LIGHT) if plain else (_LIT if lit else _LIGHT)
    style = "atlas.mark" if lit else "atlas.muted"
    canvas.put(x, y, glyphs[0] + glyphs[4] * (width - 2) + glyphs[1], style)
    for row in range(1, height - 1):
        name = names[row - 1] if row <= len(names) else ""
        canvas.put(x, y + row, glyphs[5] + " " * (width - 2) + glyphs[5], style)
        canvas.put(x + 1 + (width - 2 - len(name)) // 2, y + row, name, "atlas.mark" if lit else "")
    canvas.put(x, y + height - 1, glyphs[2] + glyphs[4] * (width - 2) + glyphs[3], style)
    canvas.put(x + width // 2, y, str(number), style)
    if lit:
        canvas.put(x + width // 2, y + height, _ASCII_POINTER if plain else _POINTER, style)
