"""Trained systems from their runs, each bound to the very weights that it was built on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from atlas_cli.config import PARENT
from atlas_cli.engine.build import Options, build, fingerprint
from atlas_cli.engine.system import System
from atlas_cli.errors import DataError
from atlas_cli.present.reporter import Reporter
from atlas_cli.recipe import recipes
from atlas_cli.recipe.model import Recipe
from atlas_cli.runs import checkpoint
from atlas_cli.runs.find import list_runs
from atlas_cli.runs.folder import Base, RunFolder


def recipe_of(run: RunFolder, overrides: Sequence[str] = (), data: str | None = None) -> Recipe:
    """The recipe that a run was trained with; of a run that names no weights, what it builds on as well."""
    return recipes.of_run(run.path, overrides, data, follow=run.bases is None)


def load_system(
    run: RunFolder, options: Options, reporter: Reporter, recipe: Recipe | None = None, best: bool = False
) -> System:
    """A run's system with its trained (averaged, where there are) weights, ready to sample.

    Args:
        run: Its folder.
        options: Device, and where data and parents are found.
        reporter: Told what was skipped, and what is not as it was.
        recipe: The run's, where it was read already or is changed in how it samples.
        best: The checkpoint with the best metric in place of the newest, which the run was judged by.

    Raises:
        DataError: no checkpoint is whole, or the weights that the run builds on are not to be found.
    """
    path, skipped = checkpoint.newest_valid(run.checkpoints)
    found = checkpoint.read_best(run.checkpoints) if best else None
    if found is not None:
        path = checkpoint.path_of(run.checkpoints, found[0])
    for line in skipped:
        reporter.say(line)
    return load_checkpoint(run, path, options, reporter, recipe)


def load_checkpoint(
    run: RunFolder, path: Path, options: Options, reporter: Reporter, recipe: Recipe | None = None
) -> System:
    """The system of a run as one of its checkpoints holds it; its data are opened where they are needed."""
    recipe = recipe or recipe_of(run)
    options = replace(options, data_dir=options.data_dir or run.data_dir)

    def compare(source: Any) -> None:
        if run.data is not None and run.data != fingerprint(source):
            reporter.say(f"the data of {run.name} are not what they were when it was trained")

    system = build(recipe, options, reporter, parents_of(run, recipe, options, reporter), compare)
    state = checkpoint.load(path)
    system.restore_shapes({n: tuple(t.shape) for n, t in state.weights.items()})
    system.load_state_dict(state.weights)
    if state.ema is not None:
        averaged = {n: t for n, t in state.ema.items() if not n.startswith("__")}
        system.load_state_dict(averaged, strict=False)
    return system.eval()


def parents_of(run: RunFolder, recipe: Recipe, options: Options, reporter: Reporter) -> dict[str, System]:
    """The systems that a run was built on, by role, with the very weights of then.

    Raises:
        DataError: they are nowhere; the run's name and the base's are told.
    """
    folders = [run.path.absolute().parent, options.out]
    if run.bases is None:
        return _assumed_parent(run, recipe, options, reporter, folders)
    found = {role: bound(run, base, folders) for role, base in run.bases.items()}
    return {
        role: frozen(load_checkpoint(parent, path, options, reporter))
        for role, (parent, path) in found.items()
    }


def bound(run: RunFolder, base: Base, folders: Iterable[Path]) -> tuple[RunFolder, Path]:
    """The run and the checkpoint that hold the weights that `run` is built on, whatever they are called now.

    Raises:
        DataError: no run in the folders holds them.
    """
    known = {run: None for folder in folders for run in list_runs(folder)}
    for candidate in sorted(known, key=lambda other: other.name != base.run):  # the one of that name first
        path = checkpoint.with_weights(candidate.checkpoints, base.weights)
        if path is not None:
            return candidate, path
    namesake = any(other.name == base.run for other in known)
    what = "and holds others now" if namesake else "and there is no such run any more"
    raise DataError(
        f"{run.name} is built on weights {base.weights} of the run {base.run}, {what}",
        f"put that run back, or train anew on today's base: atlas train {run.info['recipe']}",
    )


def frozen(system: System) -> System:
    """The system as others build on it."""
    return system.requires_grad_(False)


def _assumed_parent(
    run: RunFolder, recipe: Recipe, options: Options, reporter: Reporter, folders: Iterable[Path]
) -> dict[str, System]:
    """Of a run from before weights were named: the run that its run.json calls its parent."""
    name = run.info.get("parent")
    if not recipe.origins:
        return {}
    for folder in folders:
        for candidate in list_runs(folder):
            if candidate.name == name:
                reporter.say(f"{run.name} does not say which weights it builds on; {name} is assumed")
                return {PARENT: frozen(load_system(candidate, options, reporter))}
    raise DataError(
        f"{run.name} builds on the run {name}, which is not there",
        f"put that run back, or train anew: atlas train {run.info['recipe']}",
    )
