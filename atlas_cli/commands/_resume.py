"""Which run `atlas train --resume` goes on with, and with which recipe."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from atlas_cli.errors import UsageError
from atlas_cli.runs.find import list_runs, open_run
from atlas_cli.runs.folder import RunFolder
from atlas_cli.runs.lock import being_trained

if TYPE_CHECKING:
    from atlas_cli.recipe.model import Recipe

LATEST = "latest"


def chosen(reference: str, topic: str | None, recipe: str | None, root: Path) -> RunFolder:
    """The run to go on with.

    Args:
        reference: A run's name or path, or "latest": with a topic the newest of it, stopped ones first.
        topic: What was typed beside it: a topic, topic/recipe or a recipe file. The run must train that.
        recipe: The recipe of the topic, where it was named by itself.
        root: The folder of the runs.

    Raises:
        UsageError: there is no such run, or it trains something else than what was typed beside it.
    """
    if topic is None:
        return _idle(open_run(reference, root, "run (--resume)"))
    wanted = _trained_by(topic, recipe)
    if reference != LATEST:
        run = open_run(reference, root, "run (--resume)")
        if not _fits(run, wanted):
            raise UsageError(
                f"{run.name} trains {run.info['recipe']}, not {wanted}",
                f"atlas train --resume {run.reference}",
            )
        return _idle(run)
    fitting = [run for run in list_runs(root) if _fits(run, wanted)]
    stopped = [run for run in fitting if run.status in ("interrupted", "failed")]
    finished = [run for run in fitting if run.status == "complete"]
    if not stopped and not finished:
        raise UsageError(f"there is no run of {wanted} in {root} to continue", f"atlas train {wanted}")
    return (stopped or finished)[-1]


def _idle(run: RunFolder) -> RunFolder:
    """The run, refused before anything is built where another process is at it."""
    who = run.holder()
    if who is not None:
        raise being_trained(run.name, who)
    return run


def recipe_of(run: RunFolder, overrides: list[str], data: str | None) -> tuple[Recipe, bool]:
    """The recipe of the run, with changes shown, and whether it leaves something to train.

    Raises:
        UsageError: the architecture is another, or the changes could change nothing any more.
    """
    from atlas_cli.recipe import recipes
    from atlas_cli.recipe.text import architecture_changed, difference
    from atlas_cli.runs.continuing import goes_on
    from atlas_cli.screen.messages import say

    follow = run.bases is None
    own = recipes.of_run(run.path, follow=follow)
    wanted = recipes.of_run(run.path, overrides, data, follow=follow)
    changes = difference(own, wanted)
    if changes and architecture_changed(own, wanted):
        raise UsageError(
            f"the run {run.name} cannot go on with another architecture",
            "start a new run without --resume",
            changes,
        )
    further = goes_on(run, wanted.train.steps, changes)
    for line in changes:
        say(f"changed on resume: {line}")
    return wanted.model_copy(update={"name": run.info["recipe"]}), further


def _trained_by(topic: str, recipe: str | None) -> str:
    """What run.json calls it: "ddpm" for any recipe of the topic, "ddpm/small" for one."""
    from atlas_cli import catalog

    if topic.endswith((".yaml", ".yml")):
        from atlas_cli.recipe.source import find, read

        path = find(topic, "train")
        return f"{read(path).data.get('system')}/{path.stem}"
    name, _, inner = topic.partition("/")
    slug = catalog.resolve(name, "train").slug
    named = recipe or inner
    return f"{slug}/{named}" if named else slug


def _fits(run: RunFolder, wanted: str) -> bool:
    return wanted in (run.topic, str(run.info["recipe"]))
