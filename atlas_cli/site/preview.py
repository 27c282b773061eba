"""The picture that stands for the site where somebody links to it: its name, and the lines of the map."""

from __future__ import annotations

from atlas_cli.diagrams.svg import picture
from atlas_cli.site import map as lineage

_WIDTH, _HEIGHT = 600, 315  # of the file; the picture is twice as wide and high
_LEFT = 200  # of the map, where its names of families would stand
_STYLE = (
    ".edge { fill: none; stroke: #79b8de; stroke-width: 3; } .edge.across { stroke: #e8905f; stroke-width: 2;"
    " opacity: 0.5; } .station { fill: #17191d; stroke: #79b8de; stroke-width: 3; }"
    " .finished .station { fill: #e8905f; stroke: #e8905f; }"
)


def svg() -> str:
    """The picture as a file."""
    width, _, drawn = lineage.outline()
    scale = _WIDTH / (width - _LEFT)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}"'
        f' height="{_HEIGHT}"><style>{_STYLE}</style><rect width="100%" height="100%" fill="#17191d"/>'
        f'<g opacity="0.8" transform="translate({-_LEFT * scale:.1f} 0) scale({scale:.3f})">{drawn}</g>'
        '<linearGradient id="fade" x2="0" y2="1"><stop stop-color="#17191d" stop-opacity="0"/>'
        '<stop offset="0.5" stop-color="#17191d"/></linearGradient>'
        f'<rect y="130" width="100%" height="{_HEIGHT - 130}" fill="url(#fade)"/>'
        f'<g font-family="sans-serif"><text x="30" y="246" font-size="36" font-weight="700" fill="#f2f1ec">'
        f'An atlas of modern AI</text><text x="32" y="280" font-size="16" fill="#b4b7bd">'
        f"What it is, how it works, and what came from what</text></g></svg>"
    )


def png() -> bytes:
    """The picture as sites that show previews take it."""
    return picture.png(svg())
