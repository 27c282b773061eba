"""What a patch of space loses, the density gains."""

from __future__ import annotations

import math

import pytest
import torch

from atlas_cli.explorables.flow import volume


@pytest.mark.parametrize("start", volume.STARTS)
def test_the_traces_add_up_to_the_closed_form(start: str) -> None:
    told, true = volume.log_density(start, "exact"), volume.true_log_density(start)
    assert max(abs(a - b) for a, b in zip(told, true, strict=True)) < 0.02


def test_a_small_patch_loses_what_the_density_gains() -> None:
    middle, rim = volume.walk("towards a mode")[:, 0], volume.walk("towards a mode")[:, 1:]
    near = middle[0] + (rim[0] - middle[0]) / 100
    from atlas_cli.systems.flow.solvers import solve

    half = solve(volume._field, near.double(), 20, end=0.5)
    shrunk = volume.area(half) / volume.area(near.double())
    told = volume.log_density("towards a mode", "exact")
    assert math.log(shrunk) == pytest.approx(told[0] - told[20], abs=0.02)


def test_random_directions_stray() -> None:
    exact = volume.log_density("between two", "exact")[-1]
    one, four = (volume.log_density("between two", name)[-1] for name in volume.N_DIRECTIONS)
    assert abs(one - exact) > 0.01
    assert four != one


def test_the_area_of_a_square() -> None:
    assert volume.area(torch.tensor([[0.0, 0.0], [2.0, 0.0], [2.0, 2.0], [0.0, 2.0]])) == 4


@pytest.mark.parametrize("start", volume.STARTS)
def test_the_patch_is_drawn_larger_about_its_middle_and_its_share_is_written_beside_it(start: str) -> None:
    frame = volume.volume(0.5, start, "exact")
    drawn = frame.panels[0][0]
    shapes = {shape.label: shape.paths for shape in drawn.shapes}
    rims = [torch.tensor(shapes[name][0][:-1]) for name in ("patch now", "patch before")]
    assert volume.area(rims[0]) / volume.area(rims[1]) == pytest.approx(
        frame.facts["area, times the first"], rel=0.02
    )
    assert volume.area(rims[1]) == pytest.approx(math.pi * (volume.LARGER * volume.RADIUS) ** 2, rel=0.02)
    assert drawn.notes[0].text == f"{frame.facts['area, times the first']:.2g} of its area"


def test_the_points_are_what_the_area_has_lost_so_far() -> None:
    frame = volume.volume(0.5, "towards a mode", "exact")
    _, _, lost = frame.panels[0][1].series
    assert max(lost.xs) <= 0.5
    assert lost.ys[-1] == pytest.approx(-math.log(frame.facts["area, times the first"]), abs=1e-3)
