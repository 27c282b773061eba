"""The inside of a box: words and pictures never meet, and neither leaves the box."""

from __future__ import annotations

from itertools import combinations, product

import pytest

from atlas_cli.diagrams.grid.insides import Area, Insides, Rooms, Size
from atlas_cli.diagrams.grid.layout import lay_out
from atlas_cli.diagrams.grid.placed import TooNarrowError
from atlas_cli.diagrams.model import Node
from tests.diagrams.worked_house import small

NODES = [
    Node("a", "vectors of the tokens", "(B, L, D)", "", "data", 0, 0),
    Node("b", "scores, mask, softmax", "(B, H, L, L)", "", "op", 1, 0),
]
ROOMS: Rooms = {"a": (Size(16, 5),), "b": (Size(16, 10), Size(16, 10), Size(16, 10))}


def areas(node: Node, box: int) -> tuple[Area, list[Area]]:
    inside = Insides(NODES, ROOMS).fill(node, box)
    tiles = [Area(*place, *size) for place, size in zip(inside.tiles, ROOMS[node.id], strict=True)]
    return inside.words, tiles


def meet(one: Area, other: Area) -> bool:
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


@pytest.mark.parametrize(("node", "box"), list(product(NODES, range(21, 91, 2))))
def test_words_and_pictures_never_meet(node: Node, box: int):
    words, tiles = areas(node, box)
    inside = Insides(NODES, ROOMS).fill(node, box)
    for one, other in combinations([words, *tiles], 2):
        assert not meet(one, other)
    for area in (words, *tiles):
        assert 0 <= area.x <= area.x + area.width <= box - 4
        assert 0 <= area.y <= area.y + area.height <= inside.height
    assert len(inside.label) + len(inside.shape) <= words.height
    assert max(map(len, (*inside.label, *inside.shape))) <= words.width


def test_beside_words_pictures_of_all_boxes_begin_at_one_column():
    for box in (41, 61, 81):
        starts = {areas(node, box)[1][0].x for node in NODES}
        assert len(starts) == 1


def test_with_room_they_stand_in_a_row_and_with_less_below_each_other():
    rows = {box: len({tile.y for tile in areas(NODES[1], box)[1]}) for box in (75, 55, 35)}
    assert rows == {75: 1, 55: 2, 35: 3}


def test_a_box_wants_room_for_all_in_a_row_and_needs_it_for_one():
    insides = Insides(NODES, ROOMS)
    assert len({tile.y for tile in areas(NODES[1], insides.natural)[1]}) == 1
    assert insides.narrowest == 20
    assert Insides(NODES, {}).natural == 25  # as without pictures: the longest line and a border


def test_a_layout_is_too_narrow_for_a_picture_that_does_not_fit():
    rooms = {"b": (Size(30, 4),)}
    with pytest.raises(TooNarrowError):
        lay_out(small(), 33, rooms)
    box = lay_out(small(), 36, rooms).boxes["b"]
    ((x, y),) = box.tiles
    assert box.x < x <= x + 30 <= box.right
    assert box.y < y <= y + 4 <= box.bottom
