"""Lines that join and cross."""

from __future__ import annotations

from itertools import product

import pytest

from atlas_cli.diagrams.text.canvas import _GLYPHS, Canvas, Pen


def draw(canvas: Canvas) -> list[str]:
    return [row.plain for row in canvas.rows()]


def test_corners_are_round_and_a_net_joins_itself():
    canvas = Canvas()
    canvas.line([(0, 0), (0, 1), (3, 1), (3, 2)], "a", Pen())
    canvas.line([(0, 1), (0, 2)], "a", Pen())
    assert draw(canvas) == ["╷", "├──╮", "╵  ╵"]


def test_nets_cross_with_the_upright_one_in_front():
    for first, second in (("flat", "upright"), ("upright", "flat")):
        canvas = Canvas()
        ways = {"flat": [(0, 1), (2, 1)], "upright": [(1, 0), (1, 2)]}
        canvas.line(ways[first], first, Pen())
        canvas.line(ways[second], second, Pen())
        assert draw(canvas) == [" ╷", "╶│╴", " ╵"]


def test_heavy_lines_meet_light_ones_in_the_right_glyph():
    canvas = Canvas()
    canvas.line([(1, 0), (1, 2)], "a", Pen("light"))
    canvas.line([(1, 1), (2, 1)], "a", Pen("heavy", heavy=True))
    assert draw(canvas)[1] == " ┝╸"
    assert [str(span.style) for span in canvas.rows()[1].spans] == ["heavy"]


def test_dashes_and_ascii():
    canvas = Canvas()
    canvas.line([(0, 0), (3, 0), (3, 2)], "a", Pen(dashed=True))
    assert [row[1:] for row in draw(canvas)][:2] == ["╌╌╮", "  ┊"]
    plain = Canvas(ascii_only=True)
    plain.line([(0, 0), (3, 0), (3, 2)], "a", Pen(dashed=True))
    plain.line([(0, 3), (3, 3)], "b", Pen(heavy=True))
    assert draw(plain) == ["~~~+", "   :", "   :", "===="]


def test_a_line_behind_gives_way():
    canvas = Canvas()
    canvas.line([(1, 0), (1, 2)], "frame", Pen(behind=True))
    canvas.line([(0, 1), (2, 1)], "edge", Pen())
    assert draw(canvas) == [" ╷", "╶─╴", " ╵"]


def test_text_covers_lines():
    canvas = Canvas()
    canvas.line([(0, 0), (4, 0)], "a", Pen())
    canvas.put(1, 0, "ab", "bold")
    assert draw(canvas) == ["╶ab─╴"]


@pytest.mark.parametrize(
    ("weights", "glyph"), [((1, 1, 1, 1), "┼"), ((0, 2, 2, 0), "┏"), ((2, 1, 2, 1), "╂"), ((1, 0, 0, 1), "┘")]
)
def test_the_table_of_glyphs_is_in_order(weights: tuple[int, ...], glyph: str):
    assert _GLYPHS[list(product(range(3), repeat=4)).index(weights)] == glyph
    assert len(set(_GLYPHS)) == 81


def test_a_slanting_line_is_refused_and_not_walked_for_ever():
    with pytest.raises(ValueError, match="neither level nor upright"):
        Canvas().line([(0, 0), (3, 2)], "net", Pen())
