"""Pictures in the boxes as SVG: every cell once, inside its box, in the step's own state in a file."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from atlas_cli import catalog
from atlas_cli.diagrams import blocks
from atlas_cli.diagrams.svg import block_file, stack, tiles
from atlas_cli.diagrams.svg import blocks as svg_blocks
from atlas_cli.diagrams.svg.style import N_LEVELS, tile_sheet
from atlas_cli.diagrams.worked import Tile
from tests.diagrams.worked_house import BOARD, IMAGE, STRIP, filled, small

SVG = "{http://www.w3.org/2000/svg}"
FILLED = [d for family in catalog.families() for d in blocks.diagrams_of(family) if d.worked]


def painted(markup: str, columns: int, rows: int) -> list[list[int]]:
    """The level that each cell has in the end, strokes one over the other."""
    board = [[-1] * columns for _ in range(rows)]
    for level, strokes in re.findall(r'<path class="w(\d+)" d="([^"]+)"', markup):
        for x, y, length in re.findall(r"M(\d+) (\d+)h(\d+)", strokes):
            for column in range(int(x), int(x) + int(length)):
                board[int(y)][column] = int(level)
    return board


@pytest.mark.parametrize("tile", [STRIP, IMAGE, BOARD])
def test_every_cell_has_its_shade(tile: Tile):
    markup = tiles.draw(tile, 10, 10, tiles.screen(7.6))
    wanted = [[round(share * N_LEVELS) for share in row] for row in tile.rows]
    assert painted(markup, tile.columns, len(tile.rows)) == wanted


def test_a_picture_of_one_shade_is_drawn_once():
    plain = Tile("amount", tuple((0.0,) * 16 for _ in range(16)))
    assert len(re.findall("<path", tiles.draw(plain, 0, 0, tiles.screen(7.6)))) == 1


def boxes(drawing: str) -> list[tuple[ElementTree.Element, list[ElementTree.Element]]]:
    """The border of each box with pictures, and the pictures' borders."""
    root = ElementTree.fromstring(drawing)
    nodes = [g for g in root.iter("g") if g.get("data-node")]
    found = [(node.find("rect"), [r for r in node.iter("rect") if r.get("class") == "rim"]) for node in nodes]
    return [(border, rims) for border, rims in found if border is not None and rims]


@pytest.mark.parametrize("diagram", [filled(), *FILLED], ids=lambda diagram: diagram.name)
def test_every_picture_lies_in_its_box_on_a_desk_and_in_a_hand(diagram):
    drawings = re.findall(r"<svg.*?</svg>", svg_blocks.drawings(diagram), re.DOTALL)
    for drawing in drawings:
        held = boxes(drawing)
        assert held
        for border, rims in held:
            left, top, width, height = (float(border.get(k)) for k in ("x", "y", "width", "height"))
            for rim in rims:
                x, y, w, h = (float(rim.get(k)) for k in ("x", "y", "width", "height"))
                assert left <= x, diagram.name
                assert x + w <= left + width, diagram.name
                assert top <= y, diagram.name
                assert y + h <= top + height, diagram.name


@pytest.mark.parametrize("name", ["decoder-block", "mamba-block"])
def test_strips_fill_their_boxes_on_a_desk_and_in_a_hand(name: str):
    """Boxes with one picture were once two thirds empty."""
    diagram = next(d for d in FILLED if d.name == name)
    for drawing in re.findall(r"<svg.*?</svg>", svg_blocks.drawings(diagram), re.DOTALL):
        for border, rims in boxes(drawing):
            inner = float(border.get("x")) + float(border.get("width")) - 10
            ends = [float(rim.get("x")) + float(rim.get("width")) for rim in rims]
            assert max(ends) > inner - 20, name


def test_letters_stand_in_the_middle_of_columns_that_have_grown():
    markup = tiles.draw(STRIP, 10, 10, tiles.screen(7.6), room=60)
    (letters,) = re.findall(r'class="over" x="([^"]+)"', markup)
    places, pitch, half = [float(x) for x in letters.split()], 60 / 3, 12 * 0.6 / 2
    assert places == pytest.approx([10 + pitch * (i + 0.5) - half for i in range(3)])


def shown(file: str) -> dict[str, int]:
    """Of every box with a picture, from which step on it holds that one."""
    root = ElementTree.fromstring(file)
    return {
        str(node.get("data-node")): int(part.get("data-first", 0))
        for node in root.iter(f"{SVG}g")
        if node.get("data-node")
        for part in node
        if part.get("data-first")
    }


def test_a_file_holds_what_its_step_shows():
    assert shown(block_file.svg(filled(), 1)) == {"a": 1}
    assert shown(block_file.svg(filled(), 2)) == {"a": 2, "b": 2, "c": 2}
    assert shown(block_file.svg(filled())) == {"a": 1, "b": 2, "c": 2}


def test_a_file_says_whose_network_it_is_and_has_a_key():
    file = block_file.svg(filled(), 2)
    words = "".join(ElementTree.fromstring(file).itertext())
    assert "In the boxes: the network of gpt/small, seed 1" in words
    assert "Half of it is nought." in words
    assert "below nought" in words
    assert "below nought" not in block_file.svg(small())


def test_without_an_example_a_drawing_has_no_tiles():
    assert "tile" not in svg_blocks.drawings(small())


def test_the_layer_of_the_step_opens():
    diagram = small(stack=(("c",), ("b",), ("c",)))
    root = ElementTree.fromstring(block_file.svg(diagram, 2))
    lit = [part for part in root.iter() if part.get("data-layer") and "lit" in str(part.get("class"))]
    assert {part.get("data-layer") for part in lit} == {"2"}
    assert len([part for part in root.iter() if part.get("class") == "wedge lit"]) == 1
    assert not [part for part in root.iter() if part.get("class") == "wedge"]
    absent = [part.get("data-node") for part in root.iter() if "absent" in str(part.get("class"))]
    assert absent == ["c"]
    assert "wedge" not in {p.get("class") for p in ElementTree.fromstring(block_file.svg(diagram)).iter()}


def test_names_of_layers_stand_upright_where_they_would_be_too_small():
    layer = ("attend", "experts")
    diagram = small(stack=(layer,) * 8)
    for width, turned in ((580.0, False), (303.0, True)):
        markup = stack.draw(diagram, width)
        assert all(float(size) >= 9 for size in re.findall(r"font-size:([\d.]+)px", markup))
        assert ("rotate(-90" in markup) == turned
        boxes = re.findall(r'<rect x="([\d.]+)" y="(-[\d.]+)" width="([\d.]+)" height="([\d.]+)"', markup)
        assert all(-float(top) == pytest.approx(stack.height(diagram, width)) for _, top, *_ in boxes)
        for x, y in re.findall(r"rotate\(-90 ([\d.]+) (-[\d.]+)\)", markup):
            assert any(float(left) < float(x) < float(left) + float(wide) for left, _, wide, _ in boxes)
            half = 12 * 0.58 * len("experts") / 2
            assert -stack.height(diagram, width) + 13 < float(y) - half
            assert float(y) + half < -26


def test_a_phone_s_pictures_fill_the_room_that_is_kept_for_them():
    """Cells of whole pixels once made a picture of 28 columns half as wide as its place."""
    image = Tile("amount", tuple((0.5,) * 28 for _ in range(28)), label="t = 500")
    kept = tiles.phone(7.6).size(image).width * 4.8
    assert 0.8 * kept < tiles.phone(4.8).cell(image) * 28 <= kept
    size = re.search(r'class="under"[^>]*font-size:([\d.]+)px', tiles.draw(image, 0, 0, tiles.phone(4.8)))
    assert float(size[1]) >= 8


def test_the_page_s_sheet_has_every_shade_light_and_dark():
    rules = re.findall(r"\.cells\.(\w+) \.w(\d+)\{stroke:light-dark\((#\w{6}),(#\w{6})\)\}", tile_sheet())
    assert len(rules) == 3 * (N_LEVELS + 1)
    middle = {name: (light, dark) for name, level, light, dark in rules if int(level) == N_LEVELS // 2}
    assert middle["signed"] == ("#f6f4ef", "#22252b")
