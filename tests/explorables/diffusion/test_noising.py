"""Noise by the schedule, against the system's own."""

from __future__ import annotations

import pytest

from atlas_cli.explorables.diffusion import _denoising, noising
from atlas_cli.systems.diffusion.ddpm import Config, alpha_bar


@pytest.mark.parametrize("schedule", ["cosine", "linear"])
def test_noising_follows_the_systems_alpha_bar(schedule: str):
    left = alpha_bar(Config(n_steps=200, schedule=schedule, beta_start=5e-4, beta_end=0.1))
    for t in (0, 80, 199):
        facts = noising.noising(t, schedule).facts
        assert facts["image variance left"] == pytest.approx(float(left[t]), rel=1e-3)
        assert facts["signal to noise"] == pytest.approx(float(left[t] / (1 - left[t])), rel=1e-3)


def test_both_schedules_end_in_noise():
    for schedule in ("cosine", "linear"):
        assert noising.noising(199, schedule).facts["image variance left"] < 1e-4


def test_time_runs_in_small_steps():
    """So that the slider feels continuous."""
    values = noising.EXPLORABLE.knobs[0].values
    assert len(values) > 60
    assert (values[0], values[-1]) == (0, _denoising.N_STEPS - 1)
