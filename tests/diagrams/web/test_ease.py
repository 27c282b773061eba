"""A turned knob: what both frames have moves from one to the other, and the last turn is what is shown."""

from __future__ import annotations

from typing import Any

import pytest

from atlas_cli.diagrams.frames import (
    Bars,
    Curves,
    Explorable,
    Frame,
    Group,
    Heatmap,
    Knob,
    Quiver,
    Scatter,
    Series,
    Tokens,
)
from atlas_cli.diagrams.sketch import Note, Shape, Sketch

pytestmark = pytest.mark.usefixtures("at_common_home")


def compute(height: float) -> Frame:
    xs = [i / 10 for i in range(11)]
    wave = Curves("wave", (Series("it", xs, [height * x for x in xs]),), marker=height, drag="height")
    ground = Curves("ground", (Series("it", xs, xs),))
    return Frame(((wave, ground), (Bars("bar", ("a", "b"), (height, 1.0), 10.0),)), f"At {height:g}.", {})


KNOB = Knob("height", "height", tuple(float(i) for i in range(11)), 0.0, "slider")
SHOWN = Explorable("made-up", "ssm", ("mamba",), "Made up", "Does it move?", (KNOB,), compute)
TURN = """([to, frames]) => new Promise((done) => {
  const input = document.querySelector("input[type=range]"), seen = [];
  input.value = to;
  input.dispatchEvent(new Event("input", { bubbles: true }));
  const look = () => {
    seen.push(parseFloat(document.querySelector(".bar").style.width));
    if (seen.length < frames) requestAnimationFrame(look);
    else done(seen);
  };
  requestAnimationFrame(() => requestAnimationFrame(look));
})"""


def test_a_bar_grows_to_where_it_ends(opened):
    page = opened(SHOWN)
    (first,) = page.evaluate(TURN, [10, 1])
    assert 0 < first < 100  # the next frame shows that something moves
    page.wait_for_function("() => document.querySelector('.bar').style.width === '100%'")
    assert page.locator(".caption").inner_text() == "At 10."


def test_where_motion_is_not_wanted_the_next_frame_is_the_last(opened):
    assert opened(SHOWN, reduced_motion="reduce").evaluate(TURN, [10, 1]) == [100]


def test_many_quick_turns_end_at_the_last(opened):
    page, other = opened(SHOWN), opened(SHOWN, reduced_motion="reduce")
    page.evaluate(
        """() => new Promise((done) => {
          const input = document.querySelector("input[type=range]");
          let turn = 0;
          const next = () => {
            input.value = turn === 50 ? 3 : (turn * 7) % 11;
            input.dispatchEvent(new Event("input", { bubbles: true }));
            if (turn++ < 50) setTimeout(next, turn % 3 ? 4 : 30);
            else setTimeout(done, 600);
          };
          next();
        })"""
    )
    other.evaluate(TURN, [3, 2])
    assert page.locator(".panels").inner_html() == other.locator(".panels").inner_html()


def test_what_is_held_follows_the_hand_and_what_has_not_changed_is_left_alone(opened):
    page = opened(SHOWN)
    page.locator(".of-curves").nth(1).evaluate("(panel) => { panel.id = 'left-alone'; }")
    box = page.locator(".seizable .plot > svg").bounding_box()
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.5 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.99 * box["width"], box["y"] + 0.5 * box["height"])
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    held = page.evaluate(
        "() => [document.querySelector('input').value, document.querySelector('.bar').style.width]"
    )
    assert held[0] != "0"
    assert held[1] == f"{10 * int(held[0])}%"  # at once
    page.mouse.up()
    assert page.locator("#left-alone").count() == 1
    assert page.evaluate("() => document.activeElement.classList.contains('seizable')")


def halfway(bench: Any, before: Any, after: Any) -> Any:
    """What is seen of a panel half of the way."""
    scenes = [{"panels": [[panel.as_dict()]], "ranges": [[None]]} for panel in (before, after)]
    return bench.evaluate("([from, to]) => atlas.between(from, to, 0.5).panels[0][0]", scenes)


def test_bars_are_told_by_their_labels(bench):
    seen = halfway(bench, Bars("t", ("a", "b"), (0.0, 4.0), 4.0), Bars("t", ("b", "c"), (2.0, 9.0), 8.0))
    assert seen["values"] == [3.0, 9.0]
    assert seen["high"] == 6.0


def test_curves_are_told_by_their_labels_and_points_by_their_places(bench):
    before = Curves("t", (Series("a", (0, 1), (0, 1)), Series("b", (0, 1), (8, 8))), log_y=False, marker=0.0)
    after = Curves("t", (Series("b", (0, 1), (4, 4)), Series("c", (0, 1), (2, 3))), log_y=False, marker=1.0)
    seen = halfway(bench, before, after)
    assert [line["ys"] for line in seen["series"]] == [[6, 6], [2, 3]]
    assert seen["marker"] == 0.5
    finer = halfway(bench, before, Curves("t", (Series("a", (0, 0.5, 1, 2), (1, 1, 1, 1)),)))
    assert finer["series"][0]["ys"] == [0.5, 0.75, 1, 1]  # 2 lies beyond the end of what was there


def test_on_a_logarithmic_axis_the_middle_is_that_of_factors(bench):
    before, after = (Curves("t", (Series("a", (1, 10), (y, 1.0)),), log_y=True) for y in (1e-4, 1e-2))
    assert halfway(bench, before, after)["series"][0]["ys"] == pytest.approx([1e-3, 1.0])


def test_arrows_are_told_by_where_they_stand(bench):
    plane = (-1, 1, -1, 1)
    before = Quiver("t", ((0, 0), (1, 0)), ((1, 0), (0, 1)), plane)
    after = Quiver("t", ((1, 0), (0, 1)), ((0, 0), (1, 1)), plane)
    assert halfway(bench, before, after)["vectors"] == [[0, 0.5], [1, 1]]


def test_points_keep_their_group_unless_there_are_more_of_them(bench):
    plane = (-1, 1, -1, 1)
    before = Scatter("t", (Group("a", ((0, 0),)), Group("b", ((1, 1),))), plane)
    after = Scatter("t", (Group("b", ((0, 1),)), Group("a", ((1, 1), (0, 0)))), plane)
    assert [group["points"] for group in halfway(bench, before, after)["groups"]] == [
        [[0.5, 1]],
        [[1, 1], [0, 0]],
    ]


def test_shades_of_amounts_pass_through_what_lies_between_and_kinds_do_not(bench):
    before, after = (Heatmap("t", ((value, 0.0),), 0, 1) for value in (0.0, 1.0))
    assert halfway(bench, before, after)["rows"] == [[0.5, 0]]
    kinds = (("one", 0.0), ("other", 1.0))
    before, after = (Heatmap("t", ((value, 0.0),), 0, 1, names=kinds) for value in (0.0, 1.0))
    assert halfway(bench, before, after)["rows"] == [[1, 0]]


def test_a_token_grows_where_its_text_is_the_same(bench):
    before = Tokens("t", (("a", 0.0, "0"), ("b", 0.0, "0")))
    after = Tokens("t", (("a", 1.0, "1"), ("c", 1.0, "1")))
    assert halfway(bench, before, after)["tokens"] == [["a", 0.5, "1"], ["c", 1.0, "1"]]


def test_shapes_are_told_by_their_places_and_notes_by_their_texts(bench):
    def sketch(up: float, *more: Shape) -> Sketch:
        return Sketch("t", (Shape("s", [((0, 0), (1, up))]), *more), (0, 1, 0, 1), (Note("here", 0, up),))

    seen = halfway(bench, sketch(0.0), sketch(1.0, Shape("new", [((0, 0), (1, 1))], "arrow")))
    assert [shape["paths"] for shape in seen["shapes"]] == [[[[0, 0], [1, 0.5]]], [[[0, 0], [1, 1]]]]
    assert seen["notes"][0]["y"] == 0.5
