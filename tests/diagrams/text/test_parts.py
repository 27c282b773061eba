"""What the characters of panels are of, and what is lit where one of them is pointed at."""

from __future__ import annotations

import pytest

from atlas_cli.diagrams import gallery
from atlas_cli.diagrams.app.light import at_place, parts_of, walked
from atlas_cli.diagrams.frames import Bars, Curves, Frame, Group, Heatmap, Link, Scatter, Series, Tokens
from atlas_cli.diagrams.sketch import Shape, Sketch
from atlas_cli.diagrams.text.panels import panels
from atlas_cli.diagrams.text.parts import LIT, Part, cell_says, lit, parts_in, shared
from atlas_cli.screen.lines import Lines

WORDS = Tokens("t", (("keep", 0.1, "a"), ("lose", 0.9, "b")), links="word")
AMOUNTS = Bars("b", ("k", "l"), (1.0, 2.0), 2.0, links="word")
MAP = Heatmap(
    "h", ((0.1, 0.2), (0.3, 0.4)), 0, 1, "after", "of", ("0", "1"), ("k", "l"), links=("word", "word")
)


def drawn(*rows: tuple) -> tuple[Frame, Lines]:
    frame = Frame(rows, "", {})
    return frame, panels(frame, 100, hands=True)


def pointing(frame: Frame, lines: Lines, says: str) -> list[str]:
    """What is lit, as text, where the part is pointed at that says so."""
    part = next(part for *_, part in parts_in(lines) if part.says == says)
    light = lit(lines, part, shared(frame))
    return [
        line.plain[start:end].strip() for line in light for start, end, style in line.spans if style == LIT
    ]


def test_a_token_lights_its_bar_and_its_row_and_column():
    frame, lines = drawn((WORDS,), (AMOUNTS, MAP))
    found = pointing(frame, lines, "lose b")
    assert found[0] == "lose"
    assert any(text.startswith("l ") for text in found)  # its bar
    part = next(part for *_, part in parts_in(lines) if part.says == "lose b")
    light = lit(lines, part, shared(frame))
    cells = {
        other.says
        for line, start, _, other in parts_in(light)
        if other.panel == 2 and any(style == LIT and a <= start < b for a, b, style in light[line].spans)
    }
    assert cells == {cell_says(MAP, r, c) for r, c in ((0, 1), (1, 0), (1, 1))}


def test_a_cell_lights_its_row_and_column_and_not_their_mirrors():
    frame, lines = drawn((MAP, AMOUNTS))
    cell = next(part for *_, part in parts_in(lines) if part.says == "of k, after 1: 0.2")
    light = lit(lines, cell, shared(frame))
    marked = {
        part.says
        for (line, start, _, part) in parts_in(light)
        if any(style == LIT and a <= start < b for a, b, style in light[line].spans)
    }
    assert marked == {"of k, after 0: 0.1", "of k, after 1: 0.2", "of l, after 1: 0.4", "k: 1", "l: 2"}


def test_nothing_is_lit_for_names_that_no_other_panel_has_nor_drawn_without_hands():
    frame, lines = drawn((Bars("b", ("a", "b"), (1.0, 2.0), 2.0), Bars("c", ("a", "c"), (1.0, 2.0), 2.0)))
    assert shared(frame) == set()
    assert pointing(frame, lines, "b: 2") == []
    assert [*parts_in(panels(frame, 100))] == []


def test_bars_of_the_same_labels_need_no_word_of_it():
    frame, lines = drawn((Bars("b", ("a", "b"), (1.0, 2.0), 2.0), Bars("c", ("a", "b"), (2.0, 1.0), 2.0)))
    assert len(pointing(frame, lines, "b: 2")) == 2


def test_points_and_columns_of_curves_belong_together_by_their_numbers():
    curve = Curves("c", (Series("s", (1, 2, 3), (4, 5, 6)),), "token", links=Link("token", first=-1))
    cloud = Scatter("p", (Group("g", ((0.1, 0.1), (0.9, 0.9), (0.5, 0.5))),), (0, 1, 0, 1), links="token")
    frame, lines = drawn((curve, cloud))
    part = next(part for *_, part in parts_in(lines) if part.says == "token 3: s 6")
    others = [p for *_, p in parts_in(lit(lines, part, shared(frame))) if p.panel == 1]
    assert {p.says for p in others} == {"g 1", "g 2", "g 3"}
    assert "●" in pointing(frame, lines, "token 3: s 6")
    assert pointing(frame, lines, "token 3: s 6").count("●") == 1


def test_of_a_sketch_that_is_lit_which_is_made_of_nothing_but_what_is_pointed_at():
    tree = Sketch(
        "s", (Shape("leaf", [[(0, 0), (1, 0), (2, 0)]], "dots", 0, (0, 1, 2)),
              Shape("pair", [[(0.5, 1)]], "dots", 1, ((0, 1),))),
        (0, 2, 0, 1), links="leaf",
    )  # fmt: skip
    frame, lines = drawn((tree,))
    assert shared(frame) == {"leaf"}
    assert len(pointing(frame, lines, "pair 2")) == 3  # itself and two leaves
    assert len(pointing(frame, lines, "leaf 2")) == 1


@pytest.mark.parametrize(
    "name", ["scan-tree", "euler", "two-views", "hybrid", "consistency", "selective-scan", "field"]
)
def test_every_linked_explorable_has_parts_that_light_others(name: str):
    frame = gallery.anywhere(name).frame()
    lines = panels(frame, 140, hands=True)
    parts = parts_of(lines, shared(frame))
    assert len(parts) > 3
    assert [line.plain for line in lit(lines, parts[0], shared(frame))] == [line.plain for line in lines]


def test_keys_walk_over_a_panel_across_a_matrix_and_on_to_the_next():
    frame, lines = drawn((WORDS, AMOUNTS), (MAP,))
    parts = parts_of(lines, shared(frame))
    at = walked(parts, None, 1, 0)
    assert at is not None
    said = [at.says]
    for across, down in ((1, 0), (1, 0), (0, 1), (0, 1), (0, 1), (1, 0), (1, 0), (0, 1), (0, -1), (0, -1)):
        at = walked(parts, at, across, down)
        said.append(at.says)
    assert said == [
        "keep a", "lose b", "lose b", "k: 1", "of k, after 0: 0.1", "of l, after 0: 0.3",
        "of l, after 1: 0.4", "of l, after 1: 0.4", "of l, after 1: 0.4", "of k, after 1: 0.2", "k: 1",
    ]  # fmt: skip
    assert at_place(parts, Part(9, ())) is None
    assert walked([], None, 1, 0) is None
