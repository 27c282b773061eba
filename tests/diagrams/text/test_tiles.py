"""Pictures in the boxes, in characters: exactly, with colour and without, and at every width."""

from __future__ import annotations

import pytest

from atlas_cli.diagrams.model import Diagram
from atlas_cli.diagrams.text import blocks as text_blocks
from atlas_cli.diagrams.text import tiles
from atlas_cli.diagrams.text.stack import stack
from atlas_cli.diagrams.text.tiles import Ink
from atlas_cli.diagrams.worked import Picture
from tests.diagrams.worked_house import BOARD, IMAGE, STRIP, example, filled, small


def draw(diagram: Diagram, width: int = 60, step: int | None = None, ink: Ink = Ink()) -> str:
    return "\n".join(line.plain for line in text_blocks.picture(diagram, width, step, ink))


DRAWN = """\
╭─ 1 ─────────────╮
│  vectors   a·b  │
│  (L, D)    = ▒  │
│            ▒ =  │
╰────────┬────────╯"""


def test_strips_stand_under_their_letters():
    diagram = small(example(a=(Picture(1, (STRIP,)),)))
    assert "\n".join(draw(diagram).splitlines()[:5]) == DRAWN


def test_a_box_that_the_steps_have_not_reached_is_empty_but_as_large():
    first, second, whole = (draw(filled(), step=step) for step in (1, 2, None))
    assert "0.52" in second
    assert "0.52" in whole
    assert "0.52" not in first
    assert len(first.splitlines()) == len(second.splitlines()) == len(whole.splitlines())


def test_with_colour_a_character_holds_two_cells():
    lines = text_blocks.picture(filled(), 60, 1, Ink(colour=True))
    styles = [str(span.style) for line in lines for span in line.spans if " on #" in str(span.style)]
    assert len(styles) == 6  # three columns, four rows
    assert styles[0] == "#f5a25d on #22252b"  # below nought over nought


def test_a_wide_picture_is_halved_and_keeps_its_shape():
    diagram = small(example(b=(Picture(1, (IMAGE,)),)))
    ((_, (size,)),) = tiles.rooms(diagram).items()
    assert size == (14, 8)  # 28 x 28 pixels at two by two, two rows a line, and a line for its label


def test_points_lie_on_their_ground():
    drawn = draw(small(example(b=(Picture(1, (BOARD,)),))), step=2)
    assert "○●" in drawn
    assert "ox" in draw(small(example(b=(Picture(1, (BOARD,)),))), step=2, ink=Ink(plain=True))


@pytest.mark.parametrize("width", [30, 40, 50, 60, 80, 120])
def test_ascii_has_the_same_shape_at_every_width(width: int):
    plain, drawn = draw(filled(), width, 2, Ink(plain=True)), draw(filled(), width, 2)
    assert max(map(len, drawn.splitlines())) <= width
    assert [len(line.rstrip()) > 0 for line in plain.splitlines()] == [
        len(line.rstrip()) > 0 for line in drawn.splitlines()
    ]


def test_a_step_says_what_is_to_be_seen_and_the_drawing_whose_network_it_is():
    one = [line.plain for line in text_blocks.drawing(filled(), 90, step=2)]
    assert one[1] == "In the boxes: the network of gpt/small, seed 1, trained on 2026-11-30, on “a b”."
    assert one[2].startswith("below nought ≣")
    assert one[-1] == "▶ 2/2  Mix. Half of it is nought."
    assert "2. Mix. Half of it is nought." in text_blocks.as_text(filled()).splitlines()


def test_where_there_is_no_room_for_boxes_nothing_is_said_of_them():
    assert [line.plain for line in text_blocks.drawing(filled(), 14)][:3] == ["Small", "", "vectors  (L,"]


def test_without_an_example_nothing_is_added():
    bare = text_blocks.drawing(small(), 60)
    assert [line.plain for line in bare[:3]] == ["Small", "", "╭─ 1 ─────╮"]
    assert draw(small(example())) == draw(small())


LAYERS = """\
┌─1─┐╔═2═╗┌─3─┐
│ c │║ b ║│ c │
└───┘╚═══╝└───┘
       ▼"""


def test_a_stack_stands_above_and_the_layer_of_the_step_is_doubled():
    diagram = small(stack=(("c",), ("b",), ("c",)))
    assert "\n".join(line.plain for line in stack(diagram, 60, 2, Ink())) == LAYERS
    assert len(stack(diagram, 11, 2, Ink())) == 7  # two rows of it
    assert stack(small(), 60, 2, Ink()) == []
    ascii_layers = "\n".join(line.plain for line in stack(diagram, 60, 2, Ink(plain=True)))
    assert ascii_layers.isascii()


def test_a_box_that_the_layer_lacks_is_dotted():
    diagram = small(stack=(("c",), ("b",)))
    assert "┊" in draw(diagram, step=2)
    assert "┊" not in draw(diagram, step=1)


def test_a_frame_of_the_animation_keeps_the_stack_in_sight():
    diagram = small(stack=(("c",), ("b",)))
    shown = [line.plain for line in text_blocks.frame(diagram, 60, 2, 16)]
    assert any("═2═" in line for line in shown)
