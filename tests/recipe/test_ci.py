"""A recipe for CI jobs in every family that has systems: small, its claims measured and true."""

from __future__ import annotations

from pathlib import Path

import pytest

from atlas_cli import catalog
from atlas_cli.recipe import recipes

ROOT = Path(__file__).parents[2] / "recipes"
CI = sorted(path.parent.name for path in ROOT.glob("*/ci.yaml"))


def test_every_family_with_recipes_has_one() -> None:
    trained = {topic.family for topic in catalog.topics() if catalog.recipes_of(topic)}
    assert {catalog.resolve(topic).family for topic in CI} == trained


@pytest.mark.parametrize("topic", CI)
def test_it_claims_what_was_measured_with_every_seed(topic: str) -> None:
    recipe = recipes.resolve(f"{topic}/ci")
    assert recipe.expect
    assert not recipe.parents
    assert not any(bar.speed for bar in recipe.expect.values())
    assert len(recipe.measured["seeds"]) >= 3
    for metric, bar in recipe.expect.items():
        if metric in recipe.measured["spread"]:
            low, high = recipe.measured["spread"][metric]
            assert bar.min is None or bar.min < low, metric  # some room below the worst
            assert bar.max is None or bar.max > high, metric
