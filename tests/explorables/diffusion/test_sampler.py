"""From noise to data in few steps or many."""

from __future__ import annotations

from atlas_cli.explorables.diffusion import sampler


def test_more_steps_bring_the_samples_closer_to_the_data():
    distances = [sampler.sampler(n, 0.0).facts["distance to the data"] for n in (1, 4, 16)]
    assert distances[0] > 2 * distances[1] > 4 * distances[2]
