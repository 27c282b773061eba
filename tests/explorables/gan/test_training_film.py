"""The film of a GAN: one training, made by the atlas's own system."""

from __future__ import annotations

from statistics import median

import pytest
import torch

from atlas_cli.diagrams import frames
from atlas_cli.explorables.gan import training_film


@pytest.fixture(scope="module")
def stills():
    return training_film.shoot()


def test_there_is_a_still_for_every_step_of_the_knob(stills):
    assert len(stills) == len(training_film.STEPS)
    assert training_film.STEPS[-1] == training_film.N_STEPS
    assert all(len(still["points"]) == training_film.N_SHOWN for still in stills)


def test_the_generator_learns(stills):
    first, last = stills[0], stills[-1]
    assert first["modes_found"] < 3
    assert last["modes_found"] == 8
    assert last["high_quality_share"] > 0.5 > 0.1 > first["high_quality_share"]
    assert last["energy_distance"] < 0.1 * first["energy_distance"]


def test_the_spoilt_run_collapses(stills):
    """Of eight Gaussians it never finds most, and half of the time one or none, where the other finds all."""
    spoilt = [still["modes_found"] for still in training_film.shoot(training_film.RUNS[1])]
    assert max(spoilt) <= 5
    assert median(spoilt) <= 1 < 8 == median(still["modes_found"] for still in stills)


def test_the_frame_has_the_points_on_the_map_of_its_run(stills, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(training_film, "film", lambda run: stills)
    frame = training_film.training_film(300, training_film.RUNS[0])
    now, sketch = stills[training_film.STEPS.index(300)], frame.panels[0][0]
    assert sketch.ground == frames.rounded(now["view"])
    real, generated = sketch.shapes
    assert len(real.paths[0]) == training_film.N_SHOWN
    inside = [point for point in now["points"] if max(map(abs, point)) < training_film.WINDOW]
    assert generated.paths[0] == frames.rounded(inside)
    assert frame.facts["Gaussians found"] == now["modes_found"]


def test_the_map_is_the_discriminators_with_high_y_on_top(monkeypatch: pytest.MonkeyPatch):
    """A discriminator whose logit is 3 y + x: rows fall from top to bottom, columns rise to the right."""
    monkeypatch.setattr(training_film, "N_STEPS", 0)
    monkeypatch.setattr(training_film, "STEPS", (0,))
    monkeypatch.setattr(
        "atlas_cli.systems.gan.gan.Discriminator.forward", lambda self, x, label: 3 * x[:, 1] + x[:, 0]
    )
    view = torch.tensor(training_film.shoot()[0]["view"])
    edge = training_film.WINDOW
    assert float(view[0, 0]) == pytest.approx(float(torch.tensor(3 * edge - edge).sigmoid()))
    assert (view.diff(dim=0) <= 0).all()
    assert (view.diff(dim=1) >= 0).all()


def test_shooting_leaves_the_random_state_of_the_process_alone(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(training_film, "N_STEPS", 1)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    training_film.shoot()
    assert torch.equal(torch.rand(3), expected)
