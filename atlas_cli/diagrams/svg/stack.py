"""The stack of layers of which a block diagram draws one: small boxes above it, and what opens from each."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from atlas_cli.diagrams.model import Diagram

_LINE = 13.0  # pixels from one line of text to the next
_GAP = 4.0  # pixels between boxes
_OPENING = 26.0  # from the boxes down to the layer that is drawn
_LETTER = 0.58  # of a letter's height, its width
_LARGEST = 12.0  # letters
_SMALLEST = 9.0  # letters that are read without effort
_NUMBER = ' class="shape"'


def height(diagram: Diagram, width: float) -> float:
    """Pixels above the drawing; 0 where it has no stack."""
    if not diagram.stack:
        return 0.0
    names = _LINE * max(map(len, diagram.stack))
    if _upright(diagram, width):
        names = _LETTER * _LARGEST * _longest(diagram)
    return _LINE + names + 8 + _OPENING


def draw(diagram: Diagram, width: float) -> str:
    """The row and, for each of its boxes, what opens from it to the whole width; the foot of all is at 0."""
    if not diagram.stack:
        return ""
    side, top, foot = _side(diagram, width), -height(diagram, width), -_OPENING
    parts = []
    for i, layer in enumerate(diagram.stack):
        x = i * (side + _GAP)
        wedge = f"M{x:.1f} {foot:g}h{side:.1f}L{width:.1f} 0H0z"
        number = _text(x + side / 2, top + 14, str(i + 1), _size(diagram, width), _NUMBER)
        parts.append(
            f'<path class="wedge" data-layer="{i + 1}" d="{wedge}" aria-hidden="true"/>'
            f'<g class="layer" data-layer="{i + 1}" aria-hidden="true"><rect x="{x:.1f}" y="{top:g}"'
            f' width="{side:.1f}" height="{foot - top:g}" rx="5"/>{number}'
            f"{''.join(_names(diagram, layer, x, top, width))}</g>"
        )
    return "".join(parts)


def _names(diagram: Diagram, layer: tuple[str, ...], x: float, top: float, width: float) -> Iterator[str]:
    """Below one another; upright beside one another where they would be too small to be read."""
    side, size = _side(diagram, width), _size(diagram, width)
    for row, name in enumerate(layer, start=1):
        if _upright(diagram, width):
            at = x + side * row / (len(layer) + 1) + size / 3
            middle = (top + 18 - _OPENING) / 2
            yield _text(at, middle, name, size, f' transform="rotate(-90 {at:.1f} {middle:.1f})"')
        else:
            yield _text(x + side / 2, top + 14 + _LINE * row, name, size)


def _text(x: float, y: float, text: str, size: float, more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" style="font-size:{size:.1f}px"{more}>{escape(text)}</text>'


def _side(diagram: Diagram, width: float) -> float:
    """Width of a box."""
    return (width + _GAP) / len(diagram.stack) - _GAP


def _longest(diagram: Diagram) -> int:
    return max(len(name) for layer in diagram.stack for name in layer)


def _level_size(diagram: Diagram, width: float) -> float:
    """Height of letters with which the longest name fits across a box."""
    return min(_LARGEST, (_side(diagram, width) - 4) / _longest(diagram) / _LETTER)


def _upright(diagram: Diagram, width: float) -> bool:
    return _level_size(diagram, width) < _SMALLEST


def _size(diagram: Diagram, width: float) -> float:
    return _LARGEST if _upright(diagram, width) else _level_size(diagram, width)
