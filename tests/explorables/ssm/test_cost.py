"""The cost of length, against closed forms."""

from __future__ import annotations

import pytest

from atlas_cli.explorables.ssm import cost


def test_costs_grow_as_the_axes_say():
    short, long = cost.flops(1000, 256, 16), cost.flops(2000, 256, 16)
    assert long["attention"] == 4 * short["attention"]
    assert long["scan"] == 2 * short["scan"]
    short, long = cost.kept_bytes(1000, 256, 16), cost.kept_bytes(2000, 256, 16)
    assert long["scan"] == short["scan"]
    assert long["attention"] == 2 * short["attention"]


@pytest.mark.parametrize("d_model", [256, 4096])
@pytest.mark.parametrize("d_state", cost.STATE_SIZES)
def test_lines_cross_where_the_dot_stands_whatever_the_width(d_state: int, d_model: int):
    work = cost.flops(cost.equal_work(d_state), d_model, d_state)
    held = cost.kept_bytes(cost.equal_bytes(d_state), d_model, d_state)
    assert work["attention"] == work["scan"]
    assert held["attention"] == held["scan"]


def area(path: tuple[tuple[float, float], ...]) -> float:
    """The shoelace formula."""
    return (
        abs(sum(ax * by - bx * ay for (ax, ay), (bx, by) in zip(path, (*path[1:], path[0]), strict=True))) / 2
    )


@pytest.mark.parametrize("length", [16, 96, 4000])
def test_areas_are_the_work_of_a_channel_and_the_numbers_that_are_kept(length: int):
    work, kept = cost.cost(length, 16, 1024).panels[0]
    drawn = {shape.label: area(shape.paths[0]) for shape in work.shapes if shape.style == "area"}
    counted = cost.flops(length, 1, 16)
    assert drawn == pytest.approx({name: counted[name] for name in drawn}, rel=1e-3)
    boxes = {shape.label: area(shape.paths[0]) for shape in kept.shapes}
    counted = cost.kept_bytes(length, 1024, 16)
    assert boxes["keys and values"] / boxes["state"] == pytest.approx(counted["attention"] / counted["scan"])


@pytest.mark.parametrize(("length", "said"), [
    (64, "the scan does 1.5 times the work of the attention"),
    (96, "both do the same work"),
    (128, "the attention does 1.33 times the work of the scan"),
])  # fmt: skip
def test_the_caption_says_who_does_more(length: int, said: str):
    assert f"At {length} tokens {said}." in cost.cost(length, 16, 1024).caption


@pytest.mark.parametrize(("length", "d_state"), [(16, 16), (4000, 16), (512, 256)])
def test_half_the_text_is_marked_up_to_whichever_area_is_higher_there(length: int, d_state: int):
    work = cost.cost(length, d_state, 1024).panels[0][0]
    (half,) = (shape.paths[0] for shape in work.shapes if shape.label == "half the text")
    shapes = {shape.label: shape.paths[0] for shape in work.shapes if shape.style == "area"}
    (x, _), (_, top) = half
    _, (_, last), _ = shapes["attention"]
    assert x == length / 2
    assert top == pytest.approx(max(last / 2, shapes["scan"][1][1]), rel=1e-3)
    assert all(note.y > max(last, shapes["scan"][1][1]) for note in work.notes)  # above both areas
