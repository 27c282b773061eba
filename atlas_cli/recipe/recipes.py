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
from atlas_cli.errors import UsageError
from atlas_cli.recipe import source as recipe_source
from atlas_cli.recipe.model import Bar, Recipe, TrainConfig, data_class, sources_for, system_class
from atlas_cli.recipe.positions import Document, Origin, Position
from atlas_cli.recipe.resolver import AGAINST_ABLATION, Resolver, field_names, forget_restated_facts
from atlas_cli.recipe.source import Parent, find, recipe_names
from atlas_cli.recipe.text import architecture_changed, difference, schema, to_yaml

__all__ = [
    "Bar", "Recipe", "TrainConfig", "ablated", "ablation_needs_training", "architecture_changed",
    "data_config", "difference", "find", "needs_ablation", "overridden", "parent_of", "recipe_hash",
    "recipe_names", "resolve", "schema", "sources_for", "system_class", "system_config", "to_yaml",
]  # fmt: skip


def system_config(recipe: Recipe) -> SystemConfig:
    """The config with which the recipe's system is built."""
    return system_class(recipe.system).model_validate_json(json.dumps(recipe.model))


def data_config(recipe: Recipe) -> DataConfig:
    """The config with which the recipe's data source is opened."""
    options = {key: value for key, value in recipe.data.items() if key != "name"}
    return data_class(recipe.data["name"]).model_validate_json(json.dumps(options))


def recipe_hash(recipe: Recipe) -> str:
    """16 hex digits over all that decides the trained weights; see Recipe.hash."""
    return recipe.hash


def resolve(
    ref: str | Path, overrides: Sequence[str] = (), data: str | None = None, command: str = "recipe show"
) -> Recipe:
    """The recipe of that name, checked and complete.

    Args:
        ref: See `find`.
        overrides: `--set` options, "width=64" (a model field) or "train.lr=1e-3"; later ones win.
        data: Another data source, in place of the whole data section.
        command: What the user typed after `atlas`, for the mend line.

    Raises:
        UsageError: `details` holds every finding, each "file:line:column: field: what".
    """
    path = find(str(ref), command)
    return Resolver(recipe_source.read(path), recipe_source.name_of(path), path).recipe(overrides, data)


def overridden(recipe: Recipe, overrides: Sequence[str], sampling_only: bool = False) -> Recipe:
    """The recipe with further `--set` options applied.

    Args:
        recipe: Where to start; it stays as it is.
        overrides: As for `resolve`.
        sampling_only: Refuse every field that a trained model does not allow to change.

    Raises:
        UsageError: as `resolve`.
    """
    made = Resolver(_document_of(recipe), recipe.name).recipe(overrides)
    allowed = system_class(recipe.system).sampling_fields()
    changed = [line.partition(":")[0] for line in difference(recipe, made)]
    fixed = [name for name in changed if name.removeprefix("model.") not in allowed]
    if sampling_only and fixed:
        names = ", ".join(sorted(allowed)) or "none"
        raise UsageError(f"a trained model keeps its {fixed[0]}", f"fields that sampling may change: {names}")
    return made


def parent_of(recipe: Recipe) -> Recipe | None:
    """The recipe on whose trained run this one builds, with the changes that `from:` names."""
    if recipe.parent is None:
        return None
    named = Parent.parse(recipe.parent)
    return resolve(named.ref, named.overrides, named.data)


def ablated(recipe: Recipe) -> Recipe:
    """The same recipe without the idea: its `ablate` section applied, nothing expected of it."""
    if not recipe.ablate:
        raise UsageError(f"{recipe.name} has no ablate section", "add the fields that take the idea away")
    document = recipe_source.ablation_of(_document_of(recipe), *field_names(system_class(recipe.system)))
    document.data["name"] = f"{recipe.name}-ablated"
    return Resolver(document, document.data["name"]).recipe()


def ablation_needs_training(recipe: Recipe) -> bool:
    """Whether the ablation is another model, not just another way of sampling from this one."""
    sampling = system_class(recipe.system).sampling_fields()
    return any(name.removeprefix("model.") not in sampling for name in recipe.ablate)


def needs_ablation(recipe: Recipe) -> bool:
    """Whether a figure of `expect` compares with the ablated run."""
    return any(name.endswith(AGAINST_ABLATION) for name in recipe.expect)


def _document_of(recipe: Recipe) -> Document:
    """A document that resolves to the recipe."""
    whole = Position(recipe.name)
    document = Document(json.loads(json.dumps(recipe.sections())), {(): Origin(whole, whole, "")})
    forget_restated_facts(document)
    return document
