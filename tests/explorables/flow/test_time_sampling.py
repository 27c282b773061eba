"""Which times to train on, against scipy's distributions."""

from __future__ import annotations

import math

import pytest
from scipy import integrate, stats

from atlas_cli.explorables.flow import time_sampling


@pytest.mark.parametrize(("mean", "width"), [(0.0, 1.0), (-1.0, 0.5), (2.0, 2.0)])
def test_the_density_of_times_is_the_logit_normals(mean: float, width: float):
    assert time_sampling.time_density(0.3, mean, width) == pytest.approx(
        stats.norm.pdf(math.log(0.3 / 0.7), mean, width) / (0.3 * 0.7)
    )
    area, _ = integrate.quad(time_sampling.time_density, 1 / 3, 2 / 3, (mean, width))
    assert time_sampling.time_share(1 / 3, 2 / 3, mean, width) == pytest.approx(area)
    assert time_sampling.time_share(0.0, 1.0, mean, width) == pytest.approx(1)


def test_what_is_hard_lies_between_noise_and_data():
    """At both ends the best velocity is linear in x: mean - x, and x."""
    assert time_sampling.hard_part(0.02) < 1e-3 * time_sampling.hard_part(0.6)
    assert time_sampling.hard_part(0.98) < 0.1 * time_sampling.hard_part(0.6)


@pytest.mark.parametrize(("mean", "width"), [(0.0, 1.0), (1.5, 0.5)])
def test_times_of_equal_shares_are_the_quantiles(mean: float, width: float):
    for share in (0.1, 0.5, 0.9):
        t = time_sampling.time_at(share, mean, width)
        assert time_sampling.time_share(0.0, t, mean, width) == pytest.approx(share)


def test_what_no_line_explains_is_drawn_between_the_line_and_the_velocity():
    frame = time_sampling.time_sampling(1.0, 1.0)
    shapes = {shape.label: shape.paths[0] for shape in frame.panels[0][1].shapes}
    best, line = shapes["best velocity"], shapes["nearest line"]
    assert shapes["what no line explains"] == (*best, *reversed(line))
    slopes = [y / x for x, y in line if abs(x) > 0.5]
    assert max(slopes) == pytest.approx(min(slopes), rel=1e-2)
    assert frame.facts["median time"] == pytest.approx(1 / (1 + math.exp(-1)), rel=1e-3)


def test_the_shared_area_is_below_both_densities():
    shapes = {
        shape.label: shape.paths[0] for shape in time_sampling.time_sampling(0, 1.0).panels[0][0].shapes
    }
    shared = shapes["what both share"][1:-1]
    for (_, low), (_, a), (_, b) in zip(shared, shapes["training"], shapes["hard to learn"], strict=True):
        assert low == min(a, b)


@pytest.mark.parametrize(("mean", "width"), [(0.0, 1.0), (-2.0, 0.3), (2.0, 2.0)])
def test_the_shares_that_are_written_into_the_areas_are_all_of_the_training(mean: float, width: float):
    frame = time_sampling.time_sampling(mean, width)
    left, overlap = frame.panels[0][0], frame.facts["overlap with what is hard"]
    shares = [share for share in (overlap, 1 - overlap) if share >= time_sampling.LEAST_NOTED]
    assert [note.text for note in left.notes] == [f"{share:.0%}" for share in shares]
    (median,) = (shape.paths[0] for shape in left.shapes if shape.label == "their median")
    assert median[0][0] == pytest.approx(frame.facts["median time"], rel=1e-3)
