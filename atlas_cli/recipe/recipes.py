"""Recipes: what to train, on what, for how long, and which figures prove it.

`resolve` turns a recipe file into a Recipe: laid over its base, changed by --set and --data, the model
fields that the data decides filled in, every field checked, without torch. Its ablation is resolved with
it, so that a wrong `ablate` shows before the training and not after.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from atlas_cli.config import DataConfig, SystemConfig
from atlas_cli.recipe import source as recipe_source
from atlas_cli.recipe.model import Bar, Recipe, TrainConfig, data_class, sources_for, system_class
from atlas_cli.recipe.resolver import Resolver
from atlas_cli.recipe.source import find, recipe_names
from atlas_cli.recipe.text import architecture_changed, difference, schema, to_yaml

__all__ = [
    "Bar", "Recipe", "TrainConfig", "architecture_changed", "data_config", "difference", "find", "of_run",
    "recipe_names", "resolve", "schema", "sources_for", "system_class", "system_config", "to_yaml",
]  # fmt: skip


def system_config(recipe: Recipe) -> SystemConfig:
    """The config with which the recipe's system is built."""
    return system_class(recipe.system).model_validate_json(json.dumps(recipe.model))


def data_config(recipe: Recipe) -> DataConfig:
    """The config with which the recipe's data source is opened."""
    options = {key: value for key, value in recipe.data.items() if key != "name"}
    return data_class(recipe.data["name"]).model_validate_json(json.dumps(options))


def resolve(
    ref: str | Path, overrides: Sequence[str] = (), data: str | None = None, command: str = "recipe show"
) -> Recipe:
    """The recipe of that name, checked and complete.

    Args:
        ref: See `find`.
        overrides: `--set` options, "width=64" (a model field) or "train.lr=1e-3"; later ones win.
        data: Another data source, in place of the whole data section.
        command: What the user typed after `atlas`, for the hint line.

    Raises:
        UsageError: `details` holds every finding, each "file:line:column: field: what".
    """
    path = find(str(ref), command)
    return Resolver(recipe_source.read(path), recipe_source.name_of(path), path).recipe(overrides, data)


def of_run(
    folder: Path, overrides: Sequence[str] = (), data: str | None = None, follow: bool = False
) -> Recipe:
    """The recipe that a run was trained with, as it stands in the run's folder.

    Args:
        folder: The run's.
        overrides: As for `resolve`.
        data: As for `resolve`.
        follow: Resolve the recipes that it was built on as well; what they are today may differ from what
            they were, so a run that holds the weights of its parents goes without.

    Raises:
        UsageError: as `resolve`.
    """
    path = folder / "recipe.yaml"
    document = recipe_source.read(path, follow=follow)
    return Resolver(document, recipe_source.name_of(path), path, follow).recipe(overrides, data)
