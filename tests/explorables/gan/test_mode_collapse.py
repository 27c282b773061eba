"""A healthy run beside a collapsed one: both recorded, of one recipe, seed and data."""

from __future__ import annotations

import pytest

from atlas_cli.diagrams import frames
from atlas_cli.explorables.gan import _films
from atlas_cli.explorables.gan import mode_collapse as shown


def test_both_runs_are_of_one_recipe_and_seed_and_differ_in_the_penalty_alone():
    healthy, collapsed = (_films.film(name) for name in shown.RUNS.values())
    assert (healthy.recipe, healthy.seed, healthy.steps) == (
        collapsed.recipe,
        collapsed.seed,
        collapsed.steps,
    )
    assert (healthy.changes, collapsed.changes) == ([], ["r1_gamma=0"])


def test_one_covers_the_grid_and_the_other_drops_modes_and_no_point_tells():
    (kept, right), (left, fine) = (
        (_films.modes_found(still["average"]), _films.good_share(still["average"]))
        for still in (_films.film(name).stills[-1] for name in shown.RUNS.values())
    )
    assert kept == 25
    assert left <= 15
    assert fine == pytest.approx(right, abs=0.05)
    assert "no single point tells" in shown.mode_collapse(_films.STEPS[-1]).caption


def test_without_the_penalty_d_is_sure_where_with_it_it_wavers():
    healthy, collapsed = (
        [opinion for row in _films.film(name).stills[-1]["view"] for opinion in row]
        for name in shown.RUNS.values()
    )
    assert max(healthy) - min(healthy) < 100 < 900 < max(collapsed) - min(collapsed)  # thousandths


def test_the_grids_lie_as_the_modes_do():
    """Modes are listed by column from the left, each upwards: the second is above the first."""
    still = {"average": list(range(25))}
    rows = shown._shares("with R1", still).rows
    even = _films.N_JUDGED / 25
    assert rows[-1] == frames.rounded([n / even for n in (0, 5, 10, 15, 20)])
    assert rows[0][0] == pytest.approx(4 / even)
