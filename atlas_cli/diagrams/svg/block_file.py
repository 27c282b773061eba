"""A stepped block diagram as an SVG file, for slides and papers: the picture of the web page."""

from __future__ import annotations

from xml.etree import ElementTree

from atlas_cli.diagrams.model import Diagram
from atlas_cli.diagrams.svg import blocks as svg_blocks
from atlas_cli.diagrams.svg.style import document, style_sheet, text, wrapped

_MARGIN = 28.0


def svg(diagram: Diagram, step: int | None = None) -> str:
    """The whole file; with a step, that step is lit and its sentence stands below, else all of them do."""
    first = svg_blocks.drawings(diagram).partition("</svg>")[0] + "</svg>"  # the one for a screen
    picture = ElementTree.fromstring(first)
    if step is not None:
        _light(picture, diagram, step)
    for element in picture.iter():  # a picture is not a control
        for attribute in ("role", "tabindex", "aria-label", "aria-hidden"):
            element.attrib.pop(attribute, None)
    width = max(float(picture.get("width", 0)) + 2 * _MARGIN, 560.0)
    picture.set("x", f"{(width - float(picture.get('width', 0))) / 2:.1f}")
    picture.set("y", "64")
    parts = [text(_MARGIN, 40, diagram.title, size=22, more='font-weight="600"')]
    parts.append(ElementTree.tostring(picture, encoding="unicode"))
    y = 64 + float(picture.get("height", 0)) + 12
    told = [(step, diagram.steps[step - 1])] if step else list(enumerate(diagram.steps, start=1))
    for number, entry in told:
        for line in wrapped(f"{number}. {entry.say}", width - 2 * _MARGIN, 14):
            y += 20
            parts.append(text(_MARGIN, y, line, size=14))
    said = " ".join(entry.say for _, entry in told)
    return document(diagram.title, said, "\n".join(parts), y + 24, style_sheet(blocks=True), width)


def _light(picture: ElementTree.Element, diagram: Diagram, step: int) -> None:
    """Mark what the step is about."""
    lit = diagram.steps[step - 1]
    edges = {f"{source}>{target}" for source, target in lit.edges}
    for element in picture.iter():
        if element.get("data-node") in lit.nodes or element.get("data-edge") in edges:
            element.set("class", f"{element.get('class', '')} lit".strip())
