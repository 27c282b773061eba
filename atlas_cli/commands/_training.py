"""One training as `atlas train` does it: the recipe, what it costs, the run, its document and its check."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import typer

from atlas_cli.errors import UsageError
from atlas_cli.runs import claims
from atlas_cli.runs.folder import Labels

if TYPE_CHECKING:
    from atlas_cli.engine.build import Options
    from atlas_cli.engine.trainer import Outcome
    from atlas_cli.recipe.model import Recipe
    from atlas_cli.runs.folder import RunFolder


class Place(NamedTuple):
    """Where and how a training runs: engine.build.Options, before torch is imported."""

    out: Path
    data_dir: Path | None = None
    device: str = "auto"
    compile: bool = False
    ablate: bool | None = None
    labels: Labels = Labels()
    tensorboard: bool = False

    def options(self, json: bool) -> Options:
        """The same for the engine; someone who reads the terminal watches."""
        from atlas_cli.engine.build import Options
        from atlas_cli.screen.flags import flags

        watched = not (json or flags.quiet or flags.jsonl)
        return Options(**self._asdict(), offline=flags.offline, watched=watched)


class Wish(NamedTuple):
    """What is asked of a training beside its recipe."""

    check: bool = False  # exit 1 when a claim does not hold
    speed: bool = False  # bars on time count as well
    json: bool = False
    guess: bool = False  # ask first what is expected


def require_claims(recipe: Recipe, ablate: bool | None, speed: bool) -> None:
    """Refuse `--check` where nothing could fail, before anything is trained.

    Raises:
        UsageError: the recipe states nothing that counts, or what compares with the ablation is left out.
    """
    counting = {metric: bar for metric, bar in recipe.expect.items() if speed or not bar.speed}
    topic, asked = recipe.name.partition("/")[0], "--check-speed" if speed else "--check"
    if not recipe.expect:
        raise UsageError(
            f"{asked} has nothing to check: {recipe.name} makes no claim",
            f"choose a recipe that does: atlas recipe ls {recipe.system}",
        )
    if not counting:
        raise UsageError(
            f"--check has nothing to check: {recipe.name} claims speeds only",
            f"atlas train {topic} ... --check-speed",
        )
    if ablate is False and recipe.compares:
        raise UsageError(
            f"{asked} cannot judge {recipe.name} with --no-ablate: it compares with the run without the idea",
            f"leave out --no-ablate, or {asked}",
        )


def run_one(recipe: Recipe, place: Place, wish: Wish, resumed: RunFolder | None = None) -> Outcome:
    """Train a recipe and tell what it came to as it goes; nothing is printed to stdout."""
    from atlas_cli import api
    from atlas_cli.engine import distributed
    from atlas_cli.present.events import train_reporter

    told = train_reporter(wish.json, not distributed.is_main())
    outcome = api.run_training(recipe, place.options(wish.json), told, resumed)
    _keep(recipe, outcome)
    return outcome


def _keep(recipe: Recipe, outcome: Outcome) -> None:
    """Remember that it was trained, and whether its claims were met."""
    from atlas_cli.learner import progress
    from atlas_cli.runs import hashes

    if outcome.run is None:  # another process remembers
        return
    run = str(outcome.run.path.absolute())
    told = hashes.of(outcome.run)  # a result that is typed into the folder later has others
    progress.record("trained", recipe.system, recipe.name, run=run, met=outcome.met, hashes=told)
    if outcome.met:
        progress.record("met", recipe.system, recipe.name, run=run)


def finish(recipe: Recipe, outcome: Outcome, wish: Wish) -> None:
    """Print the outcome of the only training of a command, and exit 1 where its claims do not hold."""
    from atlas_cli.present.outcome import print_outcome
    from atlas_cli.screen.flags import flags
    from atlas_cli.screen.terminal import emit_json

    if outcome.run is None:  # another process prints
        return
    if wish.json:
        emit_json(document(recipe, outcome))
    else:
        unseen = outcome.artifact if flags.quiet or flags.jsonl else None  # else it was shown at once
        print_outcome(outcome.run, recipe.name, outcome.to_json(), unseen, outcome.files)
    exit_unless_held(outcome.to_json()["verdicts"], wish, recipe.name)


def exit_unless_held(verdicts: claims.Verdicts, wish: Wish, name: str) -> None:
    """`--check`: exit 1 where a claim that counts does not hold."""
    if not wish.check:
        return
    if any(v["passed"] is False for v in verdicts) and not claims.failed(verdicts, wish.speed):
        from atlas_cli.screen.messages import say

        say("only claims of speed fail, which --check leaves aside: --check-speed counts them")
    if not claims.hold(verdicts, wish.speed, name):
        raise typer.Exit(1)


def document(recipe: Recipe, outcome: Outcome) -> dict[str, Any]:
    """The train document of --json."""
    run = outcome.run
    assert run is not None
    return {
        "run": str(run.path), "recipe": recipe.name, **outcome.to_json(),
        "files": [str(file) for file in outcome.files], "measured": recipe.measured,
        "versions": _versions(run),
    }  # fmt: skip


def tell_complete(run: RunFolder, recipe: Recipe, wish: Wish) -> None:
    """A run that is complete already: say so, and judge it by what it came to."""
    from atlas_cli.present.verdicts import number
    from atlas_cli.screen.messages import next_command, say
    from atlas_cli.screen.terminal import emit_json

    result = run.result or {}
    if wish.json:
        files = sorted(str(file) for file in run.samples.glob("*"))
        emit_json({
            "run": str(run.path), "already_complete": True, "recipe": recipe.name, **result, "files": files,
            "measured": recipe.measured, "versions": _versions(run),
        })  # fmt: skip
    else:
        judged = claims.summary(result.get("verdicts", []))
        say(f"{run.path} is already complete" + (f": {judged}" if judged != claims.NONE else ""))
        for v in claims.failed(result.get("verdicts", []), speed=True) if wish.check else ():
            say(f"{v['metric']}: {number(v['figure'])} where {v['bar']} was wanted")
        next_command(f"atlas sample {run.reference}")
    exit_unless_held(result.get("verdicts", []), wish, run.name)


def print_cost(recipe: Recipe, place: Place, json: bool, resumed: RunFolder | None = None) -> None:
    """`--dry-run`: the resolved recipe, and what a few steps of it say that it, or its rest, costs here."""
    from dataclasses import asdict

    from atlas_cli.engine.build import settled
    from atlas_cli.engine.estimate import estimate
    from atlas_cli.present.cost import cost_lines
    from atlas_cli.recipe.text import to_yaml
    from atlas_cli.screen.terminal import emit_json, out

    options = place.options(json)
    recipe = settled(recipe, options)
    cost = asdict(estimate(recipe, options, resumed))
    if json:
        emit_json({"recipe": recipe.sections(), "estimate": cost})
        return
    out.print(to_yaml(recipe), highlight=False, markup=False, soft_wrap=True)
    for line in cost_lines(cost):
        out.print(line, highlight=False, markup=False, soft_wrap=True)


def _versions(run: RunFolder) -> dict[str, Any]:
    """What the run ran on, as far as it changes figures."""
    from atlas_cli.runs.durable import read_json

    environment = read_json(run.path / "environment.json")
    return {name: environment.get(name) for name in ("atlas", "python", "torch", "platform")}
