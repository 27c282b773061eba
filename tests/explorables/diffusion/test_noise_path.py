"""The walk of a diffusion run, with a net whose walk is known."""

from __future__ import annotations

import pytest
import torch

from atlas_cli.explorables import _grey
from atlas_cli.explorables.diffusion.noise_path import SHARES, noise_path
from atlas_cli.systems.diffusion.ddpm import DDPM


def test_the_walk_ends_at_what_the_net_sees(ddpm: DDPM):
    frame = noise_path(ddpm, 100, 3)
    (walked, seen), _ = frame.panels[0][0].images, None
    assert walked == seen
    assert frame.facts["distance of x_t"] == frame.facts["distance of the estimate"] == 0
    assert frame.facts["step"] == "8 of 8"
    expected = (torch.linspace(0, 1, 64) * _grey.SHADES).round() / _grey.SHADES
    torch.testing.assert_close(torch.tensor(seen).flatten(), expected, atol=1e-3, rtol=0)


def test_a_net_that_is_sure_is_right_from_the_start_while_the_walk_comes_nearer(ddpm: DDPM):
    frames = [noise_path(ddpm, done, 1) for done in (0, 50, 100)]
    assert [frame.facts["distance of the estimate"] for frame in frames] == pytest.approx([0, 0, 0], abs=1e-6)
    away = [frame.facts["distance of x_t"] for frame in frames]
    assert away[0] > away[1] > away[2] == 0
    assert frames[0].facts["t"] == 39


def test_samples_start_from_noise_of_their_own_and_ask_for_a_class_of_their_own(ddpm: DDPM):
    first, second = (noise_path(ddpm, 0, sample).panels[0][0] for sample in (0, 1))
    assert first.images[0] != second.images[0]
    assert first.title.startswith("Class 0:")
    assert second.title.startswith("Class 1:")


def test_the_marker_and_the_step_follow_the_knob(ddpm: DDPM):
    for done in SHARES:
        frame = noise_path(ddpm, done, 0)
        step = int(str(frame.facts["step"]).split()[0])
        assert abs(step / 8 - done / 100) <= 1 / 16 + 1e-9
        assert frame.panels[0][1].marker == pytest.approx(100 * step / 8)
        assert f"At step {step} " in frame.caption
