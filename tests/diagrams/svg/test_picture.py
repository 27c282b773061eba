"""PNG pictures: as large as they should be, in the colours asked for, every letter there and none cut off."""

from __future__ import annotations

import io
import sys
from functools import cache
from xml.etree import ElementTree

import pytest
from fontTools.ttLib import TTFont
from PIL import Image, ImageFont

from atlas_cli import catalog
from atlas_cli.diagrams import gallery
from atlas_cli.diagrams.model import Diagram
from atlas_cli.diagrams.svg import block_file, picture
from atlas_cli.diagrams.svg import panels as svg_panels
from atlas_cli.diagrams.svg.style import always_dark
from atlas_cli.errors import EnvironmentFault

EVERY = {
    f"{family.slug}-{shown.name}": shown
    for family in catalog.families()
    for shown in gallery.diagrams_of(family)
}
SVG = "{http://www.w3.org/2000/svg}"
FONTS = {path.name: path for path in picture.fonts()}


@cache
def svg(name: str) -> str:
    shown = EVERY[name]
    if isinstance(shown, Diagram):
        return block_file.svg(shown)
    return svg_panels.svg(shown, shown.frame(), shown.defaults)


def image(text: str) -> Image.Image:
    return Image.open(io.BytesIO(picture.png(text))).convert("RGB")


@pytest.mark.parametrize("name", ["ssm-mamba-block", "ssm-selective-scan"])
def test_a_picture_has_twice_the_pixels_and_the_ground_that_was_asked_for(name: str):
    root = ElementTree.fromstring(svg(name))
    light, dark = image(svg(name)), image(always_dark(svg(name)))
    assert light.size == dark.size == (2 * int(root.get("width")), 2 * int(root.get("height")))
    assert light.getpixel((1, 1)) == (255, 255, 255)
    assert dark.getpixel((1, 1)) == (0x16, 0x19, 0x1F)
    assert len(light.getcolors(1 << 24)) > 50  # letters have soft edges


def test_letters_are_drawn_without_any_font_of_the_system():
    """A word darkens about as many pixels as its letters cover."""
    sheet = '<svg xmlns="http://www.w3.org/2000/svg" width="300" height="60" font-family="{}">{}</svg>'
    word = '<text x="10" y="40" font-size="30">mamba</text>'
    for family in ("system-ui, sans-serif", "ui-monospace, monospace"):
        drawn = Image.open(io.BytesIO(picture.png(sheet.format(family, word)))).getchannel("A")
        assert drawn.size == (600, 120)
        assert 2000 < sum(value > 128 for value in drawn.tobytes()) < 8000


@pytest.mark.parametrize("name", EVERY)
def test_the_font_has_every_letter(name: str):
    letters = set("".join(ElementTree.fromstring(svg(name)).itertext()))
    with TTFont(FONTS["DejaVuSans.ttf"]) as font:
        known = font.getBestCmap()
    assert [letter for letter in letters if ord(letter) not in known and not letter.isspace()] == []


@pytest.mark.parametrize("name", EVERY)
def test_no_text_leaves_the_sheet(name: str):
    root = ElementTree.fromstring(svg(name))
    width, cut = float(root.get("width", 0)), []

    def visit(element: ElementTree.Element, x: float) -> None:
        if element.get("transform"):
            x += float(element.get("transform", "").split("(")[1].split()[0].rstrip(")"))
        if element.tag == f"{SVG}svg" and element is not root:
            left, *_ = (float(part) for part in element.get("viewBox", "").split())
            x += float(element.get("x", 0)) - left
        if element.tag == f"{SVG}text":
            start, end = extent(element)
            if x + start < 0 or x + end > width:
                cut.append("".join(element.itertext()))
        for child in element:
            visit(child, x)

    visit(root, 0)
    assert cut == []


def extent(text: ElementTree.Element) -> tuple[float, float]:
    """From where to where a text runs, in the units of what it lies in."""
    kind = text.get("class", "").split()
    size = float(text.get("font-size") or {"name": 14, "shape": 12}.get(kind[0] if kind else "", 12.5))
    bold = text.get("font-weight") or "name" in kind
    font = ImageFont.truetype(FONTS["DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"], 100)
    spans = list(text) or [text]
    if len(places := [float(x) for x in text.get("x", "0").split()]) > 1:  # a letter at each
        return places[0], places[-1] + size
    lengths = [font.getlength(span.text or "") * size / 100 for span in spans]
    left = min(float(span.get("x", 0)) for span in spans)
    anchor = text.get("text-anchor") or ("middle" if kind[:1] in (["name"], ["shape"]) else "start")
    shift = {"start": 0.0, "middle": 0.5, "end": 1.0}[anchor]
    return left - shift * max(lengths), left + (1 - shift) * max(lengths)


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    with pytest.raises(EnvironmentFault, match="PNG needs the package resvg-py") as caught:
        picture.png(svg("ssm-mamba-block"))
    assert caught.value.hint == "pip install resvg-py, or write SVG: --format svg"
