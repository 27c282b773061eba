"""Tracks and labels between two rows."""

from __future__ import annotations

from atlas_cli.diagrams.grid.gutters import Gutter


def gutter(*edges: tuple[str, int, int]) -> Gutter:
    made = Gutter(arrows=True, frame_ends=False, frame_begins=False)
    for source, top, bottom in edges:
        made.add(source, top, bottom)
    made.assign_tracks()
    return made


def test_straight_edges_need_no_track():
    assert gutter(("a", 3, 3), ("b", 20, 20)).height == 1


def test_edges_apart_share_a_track_and_those_that_overlap_do_not():
    assert gutter(("a", 3, 9), ("b", 20, 30)).height == 2
    assert gutter(("a", 3, 22), ("b", 20, 30)).height == 3


def test_one_source_has_one_track_for_all_its_edges():
    made = gutter(("a", 10, 3), ("a", 10, 10), ("a", 10, 20))
    assert made.tracks == {("a", 10): 0}


def test_what_leaves_below_a_departure_passes_under_it():
    """b comes down at 20, where a goes on down: a's track must lie below b's."""
    made = gutter(("a", 3, 20), ("b", 20, 30))
    assert made.tracks["b", 20] < made.tracks["a", 3]


def test_crossings_are_avoided_where_they_can_be():
    """a over b would cross it twice, b over a does not cross it at all."""
    assert gutter(("a", 3, 30), ("b", 20, 40)).tracks == {("b", 20): 0, ("a", 3): 1}
    assert gutter(("b", 20, 40), ("a", 3, 30)).tracks == {("b", 20): 0, ("a", 3): 1}


def test_many_nets_are_packed_without_trying_all_orders():
    made = gutter(*((f"n{i}", 5 * i, 5 * i + 40) for i in range(9)))
    assert len(set(made.tracks.values())) == 9


def test_labels_stand_right_of_the_arrow_or_left_of_it_or_above():
    made = gutter(("a", 10, 10), ("b", 16, 16))
    made.place_labels([(("a", "t"), 10, "long label"), (("b", "t"), 16, "x")], frozenset(), 80)
    assert made.labels["b", "t"] == (18, 0)
    assert made.labels.get(("a", "t")) is None or made.labels["a", "t"][0] + 10 < 10
    wide = gutter(("a", 20, 20), ("b", 26, 26))
    wide.place_labels([(("a", "t"), 20, "long label")], frozenset(), 80)
    assert wide.labels["a", "t"] == (20 - 1 - 10, 0)


def test_two_labels_that_meet_stand_on_two_rows():
    made = gutter(("a", 10, 10), ("b", 30, 30))
    made.place_labels(
        [(("a", "t"), 10, "ten letters here"), (("b", "t"), 30, "at the right")], frozenset({35}), 80
    )
    assert made.labels["a", "t"] == (12, 0)
    assert made.labels["b", "t"][1] == made.label_rows == 1
    assert made.height == 2
