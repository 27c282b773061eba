"""The stack of layers of which a block diagram draws one: small boxes above it, and what opens from each."""

from __future__ import annotations

from html import escape

from atlas_cli.diagrams.model import Diagram

_LINE = 13.0  # pixels from one line of text to the next
_GAP = 4.0  # pixels between boxes
_OPENING = 26.0  # from the boxes down to the layer that is drawn
_LETTER = 0.58  # of a letter's height, its width
_LARGEST = 12.0  # letters
_NUMBER = ' class="shape"'


def height(diagram: Diagram) -> float:
    """Pixels above the drawing; 0 where it has no stack."""
    if not diagram.stack:
        return 0.0
    return _LINE * (1 + max(map(len, diagram.stack))) + 8 + _OPENING


def draw(diagram: Diagram, width: float) -> str:
    """The row and, for each of its boxes, what opens from it to the whole width; the foot of all is at 0."""
    if not diagram.stack:
        return ""
    side = (width + _GAP) / len(diagram.stack) - _GAP
    longest = max(len(name) for layer in diagram.stack for name in layer)
    size = min(_LARGEST, (side - 4) / longest / _LETTER)
    top, foot = -height(diagram), -_OPENING
    parts = []
    for i, layer in enumerate(diagram.stack):
        x = i * (side + _GAP)
        wedge = f"M{x:.1f} {foot:g}h{side:.1f}L{width:.1f} 0H0z"
        lines = "".join(
            f'<text x="{x + side / 2:.1f}" y="{top + 14 + _LINE * row:.1f}" style="font-size:{size:.1f}px"'
            f"{'' if row else _NUMBER}>{escape(line)}</text>"
            for row, line in enumerate((str(i + 1), *layer))
        )
        parts.append(
            f'<path class="wedge" data-layer="{i + 1}" d="{wedge}" aria-hidden="true"/>'
            f'<g class="layer" data-layer="{i + 1}" aria-hidden="true"><rect x="{x:.1f}" y="{top:g}"'
            f' width="{side:.1f}" height="{foot - top:g}" rx="5"/>{lines}</g>'
        )
    return "".join(parts)
