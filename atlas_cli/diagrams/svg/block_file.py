"""A stepped block diagram as an SVG file, for slides and papers: the picture of the web page."""

from __future__ import annotations

from xml.etree import ElementTree

from atlas_cli.diagrams.model import Diagram
from atlas_cli.diagrams.svg import blocks as svg_blocks
from atlas_cli.diagrams.svg import tiles
from atlas_cli.diagrams.svg.style import document, style_sheet, text, wrapped

_MARGIN = 28.0


def svg(diagram: Diagram, step: int | None = None) -> str:
    """The whole file; with a step, that step is lit and its sentence stands below, else all of them do."""
    first = svg_blocks.drawings(diagram).partition("</svg>")[0] + "</svg>"  # the one for a screen
    picture = ElementTree.fromstring(first)
    if step is not None:
        _light(picture, diagram, step)
    _fill(picture, step)
    _open(picture, diagram.steps[step - 1].layer if step else 0)
    for element in picture.iter():  # a picture is not a control
        for attribute in ("role", "tabindex", "aria-label", "aria-hidden"):
            element.attrib.pop(attribute, None)
    width = max(float(picture.get("width", 0)) + 2 * _MARGIN, 560.0)
    picture.set("x", f"{(width - float(picture.get('width', 0))) / 2:.1f}")
    picture.set("y", "64")
    parts = [text(_MARGIN, 40, diagram.title, size=22, more='font-weight="600"')]
    parts.append(ElementTree.tostring(picture, encoding="unicode"))
    y = 64 + float(picture.get("height", 0)) + 12
    numbers = [step] if step else range(1, len(diagram.steps) + 1)
    told = [f"{number}. {said_of(diagram, number)}" for number in numbers]
    for sentence in [*told, *([diagram.worked.says] if diagram.worked else [])]:
        for line in wrapped(sentence, width - 2 * _MARGIN, 14):
            y += 20
            parts.append(text(_MARGIN, y, line, size=14))
    if diagram.worked and diagram.worked.signed:
        y += 12
        parts.append(tiles.key(_MARGIN, y))
    said = " ".join(sentence.partition(" ")[2] for sentence in told)
    return document(diagram.title, said, "\n".join(parts), y + 24, style_sheet(blocks=True), width)


def _light(picture: ElementTree.Element, diagram: Diagram, step: int) -> None:
    """Mark what the step is about."""
    lit = diagram.steps[step - 1]
    edges = {f"{source}>{target}" for source, target in lit.edges}
    absent = diagram.absent(step)
    for element in picture.iter():
        if element.get("data-node") in absent:
            element.set("class", f"{element.get('class', '')} absent")
        if element.get("data-node") in lit.nodes or element.get("data-edge") in edges:
            element.set("class", f"{element.get('class', '')} lit".strip())


def said_of(diagram: Diagram, step: int) -> str:
    """A step's sentence, and what is to be seen in the boxes."""
    seen = diagram.worked.seen.get(step, "") if diagram.worked else ""
    return f"{diagram.steps[step - 1].say} {seen}".rstrip()


def _fill(picture: ElementTree.Element, step: int | None) -> None:
    """Leave in each box what it holds at a step, and without a step what it holds first."""
    for node in picture.iter():
        held = [part for part in node if part.get("data-first")]
        due = [part for part in held if step is not None and int(part.get("data-first", 0)) <= step]
        shown = due[-1] if due else held[0] if held and step is None else None
        for part in held:
            if part is shown:
                part.set("class", "tile")
            else:
                node.remove(part)


def _open(picture: ElementTree.Element, layer: int) -> None:
    """Light one layer of a stack and let it open; the others stay shut."""
    for part in list(picture):
        here = part.get("data-layer") == str(layer)
        if part.tag.endswith("path") and part.get("data-layer") and not here:
            picture.remove(part)
        elif here:
            part.set("class", f"{part.get('class', '')} lit")
