"""From noise to data in few steps or many."""

from __future__ import annotations

from atlas_cli.explorables.diffusion import sampler


def test_more_steps_bring_the_samples_closer_to_the_data():
    distances = [sampler.sampler(n, 0.0).facts["distance to the data"] for n in (1, 4, 16)]
    assert distances[0] > 2 * distances[1] > 4 * distances[2]


def test_paths_end_where_the_piles_begin_and_these_have_the_area_of_all_samples():
    (panel,) = sampler.sampler(4, 0.5).panels[0]
    shapes = {shape.label: shape.paths for shape in panel.shapes}
    paths = shapes[f"{sampler.N_PATHS} of the paths"]
    assert len(paths) == sampler.N_PATHS
    assert all((path[0][0], path[-1][0], len(path)) == (0, 1, 5) for path in paths)
    assert all(x >= 1 for x, _ in shapes["where they end"][0])
