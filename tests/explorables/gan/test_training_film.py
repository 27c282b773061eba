"""The film of a GAN: one recorded training, in which finding the modes takes most of the time."""

from __future__ import annotations

import pytest

from atlas_cli.diagrams import frames
from atlas_cli.explorables.gan import _films, training_film
from atlas_cli.explorables.gan._films import STEPS

FOUND = [_films.modes_found(still["counts"]) for still in _films.film(training_film.NAME).stills]


def covered(share: float) -> int:
    """Modes found after a share of the rounds."""
    return FOUND[max(i for i, step in enumerate(STEPS) if step <= share * STEPS[-1])]


def test_finding_the_modes_takes_most_of_the_film():
    """None at first, the first within a fifth, about half after a third, the last one in the last quarter."""
    assert FOUND[0] == 0
    assert covered(1 / 5) >= 1
    assert 8 <= covered(1 / 3) <= 18
    assert covered(1 / 3) < covered(2 / 3) < 25
    assert max(FOUND[: STEPS.index(4500) + 1]) < 25
    assert FOUND[-1] == 25


def test_the_generator_learns():
    first, *_, last = _films.film(training_film.NAME).stills
    assert _films.good_share(first["counts"]) < 0.1
    assert _films.good_share(last["counts"]) > 0.4


def test_the_frame_has_the_points_and_pulls_on_the_map_of_its_run():
    now = _films.film(training_film.NAME).at(3000)
    frame = training_film.training_film(3000)
    sketch = frame.panels[0][0]
    assert sketch.ground == frames.rounded(_films.whole(now["view"]))
    real, generated, pulls = sketch.shapes
    assert len(real.paths[0]) == _films.N_SHOWN
    points = _films.whole(now["points"])
    assert generated.paths[0] == frames.rounded(_films.in_window(points))
    for (start, end), point, pull in zip(pulls.paths, points, _films.whole(now["pulls"]), strict=False):
        assert start == frames.rounded(point)
        assert (end[0] - start[0]) * pull[1] == pytest.approx((end[1] - start[1]) * pull[0], abs=0.02)
    assert frame.facts["Gaussians found"] == _films.modes_found(now["counts"])
    assert "gan/modes, seed 0" in frame.caption
