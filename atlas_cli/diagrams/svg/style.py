"""Colours and small parts of the SVG files, in plain classes: slide programs know no variables.

The hues are those of Okabe and Ito, darkened for a light ground and lightened for a dark one; shades run
through lightness, so that they can be told apart in grey.
"""

from __future__ import annotations

from html import escape

from atlas_cli.diagrams.shades import AMOUNT, N_SHADES, RAMPS, SIGNED, colour

WIDTH = 860  # pixels of a file
FONT = "system-ui, 'Segoe UI', Roboto, 'Noto Sans', 'Liberation Sans', sans-serif"
N_HUES = 6
N_LEVELS = 16  # of a tile's shades, from none to all

_PLAIN = {  # class -> (property, light, dark)
    "page": ("fill", "#ffffff", "#16191f"), "card": ("fill", "#ffffff", "#1c1f25"),
    "ink": ("fill", "#1d2129", "#e9e7e1"), "soft": ("fill", "#5a616d", "#a5abb6"),
    "axis": ("stroke", "#868d99", "#7d8593"), "grid": ("stroke", "#d9d7d0", "#363b45"),
    "bar": ("fill", "#0067a5", "#5cb3f0"), "rail": ("fill", "#eceae3", "#2a2f38"),
}  # fmt: skip
_HUES = (
    ("#0067a5", "#5cb3f0"), ("#c2500a", "#f0a04b"), ("#00795b", "#3fc79d"), ("#a44a86", "#dd94c1"),
    ("#7d6200", "#e3cf4d"), ("#4a4f58", "#c3c8d0"),
)  # fmt: skip
_BLOCKS: dict[str, tuple[tuple[str, str, str], ...]] = {  # selector -> ((property, light, dark), ...)
    ".node > rect": (("fill", "#ffffff", "#20242c"), ("stroke", "#868d99", "#7d8593")),
    ".node.data > rect": (("fill", "#f3efe4", "#2b2a26"),),
    ".node.lit > rect": (("fill", "#e3f0fb", "#17344e"), ("stroke", "#0b62a8", "#6cb8f5")),
    ".blocks text": (("fill", "#1d2129", "#e9e7e1"),),
    ".blocks .shape, .blocks .badge text, .blocks .label, .frame text": (("fill", "#5a616d", "#a5abb6"),),
    ".badge circle": (("fill", "#ffffff", "#1c1f25"), ("stroke", "#868d99", "#7d8593")),
    ".halo, .label, .frame text": (("stroke", "#ffffff", "#16191f"),),
    ".edge .line": (("stroke", "#868d99", "#7d8593"),), ".edge .head": (("fill", "#868d99", "#7d8593"),),
    ".edge.gradient .line": (("stroke", "#a8430b", "#f0985d"),),
    ".edge.gradient .head": (("fill", "#a8430b", "#f0985d"),),
    ".edge.lit .line": (("stroke", "#0b62a8", "#6cb8f5"),),
    ".edge.lit .head": (("fill", "#0b62a8", "#6cb8f5"),),
    ".frame rect": (("stroke", "#d9d7d0", "#363b45"),),
    ".layer > rect": (("fill", "#ffffff", "#20242c"), ("stroke", "#868d99", "#7d8593")),
    ".layer.lit > rect, .wedge": (("fill", "#e3f0fb", "#17344e"), ("stroke", "#0b62a8", "#6cb8f5")),
    ".tile .rim": (("stroke", "#868d99", "#7d8593"),), ".tile .under": (("fill", "#5a616d", "#a5abb6"),),
    ".tile .bar": (("fill", "#c2500a", "#f0a04b"),),
    ".tile .cloud-0": (("stroke", "#1d2129", "#e9e7e1"),),
    ".tile .cloud-1": (("fill", "#c2500a", "#f0a04b"),),
}  # fmt: skip
_BLOCK_SHAPES = """.node > rect { stroke-width: 1.4; } .node.lit > rect { stroke-width: 3.2; }
.blocks text { font-size: 12.5px; } .node text { text-anchor: middle; }
.node .name { font-size: 14px; font-weight: 600; } .blocks .shape { font-size: 12px; }
.blocks .badge text { font-size: 11px; font-weight: 600; } .blocks .label { font-style: italic; }
.halo { fill: none; stroke-width: 6; } .edge .line { fill: none; stroke-width: 1.5; }
.edge.lit .line { stroke-width: 3.2; } .edge.gradient .line { stroke-dasharray: 5 4; }
.frame rect { fill: none; stroke-width: 1.4; stroke-dasharray: 3 3; }
.layer text { text-anchor: middle; } .layer > rect { stroke-width: 1.2; }
.layer.lit > rect { stroke-width: 2.6; }
.wedge { stroke-width: 1; } .node.absent { opacity: 0.3; }
.cells path { fill: none; } .tile text { text-anchor: start; font-size: 11px; }
.tile .over { font-family: ui-monospace, monospace; }
.tile .figure { font-size: 15px; font-weight: 600; }
.label, .frame text { paint-order: stroke; stroke-width: 4px; stroke-linejoin: round; }"""
_IF_DARK, _END_IF = "@media (prefers-color-scheme: dark) {\n", "\n}\n"
_PANEL_SHAPES = ".line { fill: none; stroke-width: 2; } .dashed { stroke-dasharray: 6 4; }"


def style_sheet(blocks: bool = False) -> str:
    """The style element: light, and dark where the viewer asks for it."""
    rules: dict[str, tuple[tuple[str, str, str], ...]] = {
        f".{name}": (rule,) for name, rule in (_PLAIN if blocks else _panel_rules()).items()
    }
    rules |= _BLOCKS | tile_rules() if blocks else {}
    light, dark = (
        "\n".join(
            f"{selector} {{ {' '.join(f'{rule[0]}: {rule[place]};' for rule in properties)} }}"
            for selector, properties in rules.items()
        )
        for place in (1, 2)
    )
    shapes = _BLOCK_SHAPES if blocks else _PANEL_SHAPES
    return f"<style>\n{light}\n{shapes}\n{_IF_DARK}{dark}{_END_IF}</style>"


def always_dark(svg: str) -> str:
    """A file of ours in its dark colours, whatever the viewer asks for."""
    before, _, rest = svg.partition(_IF_DARK)
    rules, _, after = rest.partition(_END_IF)
    return f"{before}{rules}\n{after}"


def _panel_rules() -> dict[str, tuple[str, str, str]]:
    rules = dict(_PLAIN)
    for i, (light, dark) in enumerate(_HUES):
        rules[f"s{i}"] = ("stroke", light, dark)
        rules[f"f{i}"] = ("fill", light, dark)
    for name, (lights, darks) in (("h", AMOUNT), ("d", SIGNED)):
        for i in range(N_SHADES):
            place = i / (N_SHADES - 1)
            rules[f"{name}{i}"] = ("fill", colour(lights, place), colour(darks, place))
    return rules


def tile_rules() -> dict[str, tuple[tuple[str, str, str], ...]]:
    """Selector -> properties of the cells of tiles, each with its light and its dark colour."""
    return {
        f".cells.{name} .w{i}": (("stroke", colour(light, i / N_LEVELS), colour(dark, i / N_LEVELS)),)
        for name, (light, dark) in RAMPS.items()
        for i in range(N_LEVELS + 1)
    }


def tile_sheet() -> str:
    """The same for a page, whose colours follow the reader's light or dark setting."""
    return "".join(
        f"{selector}{{{name}:light-dark({light},{dark})}}\n"
        for selector, ((name, light, dark),) in tile_rules().items()
    )


def text(x: float, y: float, words: str, kind: str = "ink", size: float = 12, more: str = "") -> str:
    """One line of text; `more` is further attributes."""
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" font-size="{size:g}" {more}>{escape(words)}</text>'


def wrapped(words: str, width: float, size: float) -> list[str]:
    """Lines of about that width; letters are half as wide as they are high, a little more to be safe."""
    import textwrap

    return textwrap.wrap(words, max(8, int(width / (size * 0.52)))) or [""]


def document(
    title: str, description: str, body: str, height: float, styles: str, width: float = WIDTH
) -> str:
    """A whole SVG file."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}"'
        f' height="{height:.0f}" font-family="{FONT}" role="img" aria-labelledby="title description">\n'
        f'<title id="title">{escape(title)}</title>\n<desc id="description">{escape(description)}</desc>\n'
        f'{styles}\n<rect class="page" width="100%" height="100%"/>\n{body}\n</svg>\n'
    )
