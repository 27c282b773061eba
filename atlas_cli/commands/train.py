"""`atlas train`: train a recipe, judge it against its claims, show what it learned."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from atlas_cli.commands import _complete
from atlas_cli.errors import UsageError
from atlas_cli.screen.flags import flags, given

if TYPE_CHECKING:
    from atlas_cli.engine.build import Options
    from atlas_cli.recipe.model import Recipe
    from atlas_cli.runs.folder import RunFolder

PANEL, PLACE = "Train", 1  # in atlas --help
LONG_RUNNING = True


def train(
    topic: Annotated[
        str | None,
        typer.Argument(help="Topic, topic/recipe, or a recipe file.", autocompletion=_complete.recipes),
    ] = None,
    recipe: Annotated[
        str | None, typer.Option("--recipe", "-r", help="Recipe of the topic (small unless said).")
    ] = None,
    sets: Annotated[
        list[str] | None,
        typer.Option(
            "--set", "-s", metavar="KEY=VALUE", help="Change a field: train.steps=500, width=32. Repeatable."
        ),
    ] = None,
    data: Annotated[str | None, typer.Option(help="Another data source: mnist, cifar10, digits ...")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Folder of downloaded data sets.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of weights and batches.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    precision: Annotated[str | None, typer.Option(help="auto, fp32 or bf16.")] = None,
    threads: Annotated[int | None, typer.Option(help="Compute threads (0: one a core).")] = None,
    compile: Annotated[
        bool, typer.Option("--compile", help="Compile what a training step computes, with torch.compile.")
    ] = False,
    devices: Annotated[int, typer.Option(min=1, help="Processes to share each batch between.")] = 1,
    out: Annotated[Path, typer.Option(help="Folder of the runs.")] = Path("runs"),
    resume: Annotated[
        str | None,
        typer.Option(metavar="[RUN|latest]", help="Continue a stopped run.", autocompletion=_complete.runs),
    ] = None,
    ablate: Annotated[
        bool | None,
        typer.Option(
            "--ablate/--no-ablate", help="Also run without the idea (default: if a claim needs it)."
        ),
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Exit 1 when a claim is not met.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Show the resolved recipe and what it will cost.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Train a recipe and judge it.

    Example: [bold]atlas train ddpm --recipe small[/bold]
    """
    from atlas_cli.runs.folder import RunFolder

    if device not in ("auto", "cpu", "cuda", "mps"):
        raise UsageError(f"there is no device {device!r}", "choose one of: auto, cpu, cuda, mps")
    if devices > 1:
        _launch(devices)
    overrides = [*(sets or []), *_named(seed=seed, precision=precision, threads=threads)]
    resumed = RunFolder.open(resume, out) if resume is not None else None
    if resumed is None:
        chosen = _reference(topic, recipe)
        resolved = _resolve(chosen, overrides, data)
    else:
        resolved, goes_on = _resolve_resumed(resumed, overrides, data)
        if not goes_on:
            _already_complete(resumed, json)
            return
    from atlas_cli.engine.build import Options

    watched = not json and not flags.quiet
    options = Options(out, data_dir, device, compile, flags.offline, ablate, watched)
    if dry_run:
        _print_cost(resolved, options, json)
        return
    _train(resolved, options, resumed, check=check, json=json)


def _train(resolved: Recipe, options: Options, resumed: RunFolder | None, *, check: bool, json: bool) -> None:
    from atlas_cli.engine import distributed
    from atlas_cli.engine.trainer import execute
    from atlas_cli.present.outcome import print_outcome
    from atlas_cli.present.reporter import reporter
    from atlas_cli.screen.terminal import emit_json

    try:
        silent = json or not distributed.is_main()
        outcome = execute(resolved, options, reporter(silent), resumed)
    finally:
        distributed.leave()
    if outcome.run is None:
        return
    if json:
        emit_json({"run": str(outcome.run.path), "recipe": resolved.name, **outcome.to_json()})
    else:
        unseen = None if options.watched else outcome.artifact
        print_outcome(outcome.run, resolved.name, outcome.to_json(), unseen, outcome.files)
    if check and not outcome.met:
        raise typer.Exit(1)


def _print_cost(recipe: Recipe, options: Options, json: bool) -> None:
    """`--dry-run`: the resolved recipe, and what a few steps of it say that it will cost here."""
    from dataclasses import asdict

    from atlas_cli.engine.build import settled
    from atlas_cli.engine.estimate import estimate
    from atlas_cli.present.cost import cost_lines
    from atlas_cli.recipe.text import to_yaml
    from atlas_cli.screen.terminal import emit_json, out

    recipe = settled(recipe, options)
    cost = asdict(estimate(recipe, options))
    if json:
        emit_json({"recipe": recipe.sections(), "estimate": cost})
        return
    out.print(to_yaml(recipe), highlight=False, markup=False, soft_wrap=True)
    for line in cost_lines(cost):
        out.print(line, highlight=False, markup=False, soft_wrap=True)


def _launch(devices: int) -> None:
    """Start this very command in several processes and exit as they do."""
    import sys

    from atlas_cli import ranks
    from atlas_cli.engine import launcher

    if ranks.announced():
        launcher.end_with_launcher()
        return
    arguments = [*given(), *sys.argv[1:]]
    raise typer.Exit(launcher.launch(devices, arguments))


def _reference(topic: str | None, recipe: str | None) -> str:
    if topic is None:
        raise UsageError("which topic?", "for example: atlas train ddpm --recipe small")
    return topic if recipe is None else f"{topic}/{recipe}"


def _named(**fields: object) -> list[str]:
    return [f"train.{name}={value}" for name, value in fields.items() if value is not None]


def _resolve(reference: str, overrides: list[str], data: str | None) -> Recipe:
    from atlas_cli.recipe import recipes

    return recipes.resolve(reference, overrides, data)


def _resolve_resumed(run: RunFolder, overrides: list[str], data: str | None) -> tuple[Recipe, bool]:
    """The recipe of the run, with changes shown, and whether it leaves something to train.

    A changed architecture is refused.
    """
    from atlas_cli.engine.loading import recipe_of
    from atlas_cli.recipe.text import architecture_changed, difference
    from atlas_cli.runs.continuing import goes_on
    from atlas_cli.screen.messages import say

    own, wanted = recipe_of(run), recipe_of(run, overrides, data)
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


def _already_complete(run: RunFolder, json: bool) -> None:
    from atlas_cli.screen.messages import say
    from atlas_cli.screen.terminal import emit_json

    if json:
        emit_json({"run": str(run.path), "already_complete": True, **(run.result or {})})
    else:
        say(f"{run.path} is already complete; next: atlas sample {run.name}")
