"""A knob as text: where its handle stands, and what lies under the mouse."""

from __future__ import annotations

import pytest

from atlas_cli.diagrams.app.rows import Columns, columns_of, row, track_length
from atlas_cli.diagrams.frames import Knob

GATE = Knob("gate", "gate", tuple(i / 10 for i in range(11)), 0.5, "slider")
RULE = Knob("rule", "rule", ("zero-order hold", "mamba", "euler"), "mamba", "choice")


def plain(knob: Knob, place: int, width: int = 60, focused: bool = False) -> list[str]:
    return [line.plain for line in row(knob, place, width, columns_of([GATE, RULE]), focused, True).lines]


def test_a_slider_is_drawn_exactly():
    assert plain(GATE, 3, 46, focused=True) == ["> gate  0.3  0 ======O-------------- 1"]
    assert plain(GATE, 0, 46) == ["  gate  0    0 O-------------------- 1"]
    assert plain(GATE, 10, 46) == ["  gate  1    0 ====================O 1"]


def test_a_choice_is_drawn_exactly_and_breaks_between_names():
    assert plain(RULE, 1) == ["  rule   zero-order hold  [mamba]  euler  "]
    assert plain(RULE, 2, 30) == ["  rule   zero-order hold  ", "         mamba  [euler] "]


@pytest.mark.parametrize("values", [2, 3, 7, 21, 30, 61, 90])
@pytest.mark.parametrize("width", [40, 76, 136])
def test_every_value_can_be_pointed_at_where_there_is_room_and_the_handle_is_one_of_its_places(values, width):
    knob = Knob("k", "k", tuple(range(values)), 0, "slider")
    pointed = set()
    for place in range(values):
        drawn = row(knob, place, width, columns_of([knob]), False, True)
        handle = drawn.lines[0].plain.index("O")
        length = len(drawn.spots)
        assert len(drawn.lines[0].plain) <= width
        assert abs(drawn.place_at(handle, 0) - place) <= values / length
        pointed |= {drawn.place_at(x, 0) for x in range(width)}
    pointed.discard(None)
    assert pointed == set(range(values)) or len(pointed) == length


def test_a_track_spreads_its_values_evenly_where_that_can_be():
    for values in (2, 5, 21, 30):
        for room in (33, 61, 200):
            assert (track_length(values, room) - 1) % (values - 1) == 0
    assert track_length(90, 40) == 40


def test_a_drag_that_leaves_the_track_goes_to_its_end():
    drawn = row(GATE, 3, 46, columns_of([GATE]), False, True)
    assert drawn.place_at(2, 0) is None
    assert drawn.nearest(0, 7) == 0
    assert drawn.nearest(99, -3) == 10


def test_names_are_pointed_at_on_each_line():
    drawn = row(RULE, 2, 30, columns_of([RULE]), False, True)
    assert drawn.place_at(12, 0) == 0
    assert drawn.place_at(12, 1) == 1
    assert drawn.place_at(18, 1) == 2
    assert drawn.place_at(3, 1) is None


def test_a_long_label_is_cut_and_tracks_begin_below_one_another():
    long = Knob("k", "what the smaller stretch is of the larger", (0, 1000), 0, "slider", "px")
    columns = columns_of([long, GATE, RULE])
    assert columns == Columns(26, len("1000 px"), 1)
    lines = [row(knob, 0, 76, columns, False, False).lines[0].plain for knob in (long, GATE)]
    assert lines[0].startswith("  what the smaller stretch …  0 px     0 ●─")
    assert lines[0].endswith("─ 1000")  # a unit is said once
    assert lines[1].index("●") == lines[0].index("●")
