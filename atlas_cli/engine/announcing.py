"""What a person is told of a training before it begins: how long it is, what is claimed, what follows."""

from __future__ import annotations

from atlas_cli.engine.build import Options
from atlas_cli.engine.system import System
from atlas_cli.present.progress import Training
from atlas_cli.recipe.model import Recipe
from atlas_cli.runs.find import list_runs
from atlas_cli.runs.folder import RunFolder


def announced(system: System, recipe: Recipe, options: Options, run: RunFolder | None) -> Training:
    """What a person is told before it begins, and what follows it as far as anybody knows."""
    name = recipe.name.removesuffix("-ablated")
    named = {system.logged_as().get(metric, metric): bar for metric, bar in recipe.expect.items()}
    trains_again = recipe.ablation is not None and recipe.ablation_trains and ablates(recipe, options)
    return Training(
        title=name if name == recipe.name else f"{name} without the idea",
        steps=recipe.train.steps,
        items_per_step=system.items_per_step(),
        unit=system.unit,
        claims=named,
        history=run.read_metrics() if run is not None else (),
        later_steps=recipe.train.steps if trains_again and not options.weights_only else 0,
        later_seconds=_judging_seconds(recipe, options),
    )


def ablates(recipe: Recipe, options: Options) -> bool:
    """Whether the run without the idea belongs to it."""
    return recipe.compares if options.ablate is None else options.ablate


def _judging_seconds(recipe: Recipe, options: Options) -> float | None:
    """What the judging took when this recipe was last run here; None where it never was."""
    if options.weights_only or not recipe.expect:
        return 0.0
    for run in reversed(list_runs(options.out)):
        if run.info["recipe"] == recipe.name and run.result and "judging_seconds" in run.result:
            return float(run.result["judging_seconds"])
    return None
