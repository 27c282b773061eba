"""`atlas train`: train a recipe, judge it against its claims, show what it learned."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from atlas_cli.commands import complete
from atlas_cli.errors import UsageError
from atlas_cli.screen.flags import flags, given

if TYPE_CHECKING:
    from atlas_cli.engine.trainer import Options
    from atlas_cli.recipe.recipes import Recipe
    from atlas_cli.runs.folder import RunFolder


def train(
    topic: Annotated[
        str | None,
        typer.Argument(help="Topic, topic/recipe, or a recipe file.", autocompletion=complete.recipes),
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
    devices: Annotated[int, typer.Option(help="Processes to share each batch between.")] = 1,
    out: Annotated[Path, typer.Option(help="Folder of the runs.")] = Path("runs"),
    resume: Annotated[
        str | None,
        typer.Option(metavar="[RUN|latest]", help="Continue a stopped run.", autocompletion=complete.runs),
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
        resolved = _resolve_resumed(resumed, overrides, data)
        if resumed.status == "complete":
            _already_complete(resumed, json)
            return
    from atlas_cli.engine.trainer import Options

    options = Options(out, data_dir, device, compile, flags.offline, ablate)
    if dry_run:
        from atlas_cli.engine.estimate import print_estimate

        print_estimate(resolved, options, json)
        return
    _train(resolved, options, resumed, check=check, json=json)


def _train(resolved: Recipe, options: Options, resumed: RunFolder | None, *, check: bool, json: bool) -> None:
    from atlas_cli.engine import distributed
    from atlas_cli.engine.trainer import execute
    from atlas_cli.present.outcome import print_outcome
    from atlas_cli.present.reporter import reporter
    from atlas_cli.screen.terminal import emit_json

    try:
        outcome = execute(resolved, options, reporter(json), resumed)
    finally:
        distributed.leave()
    if outcome.run is None:
        return
    if json:
        emit_json({"run": str(outcome.run.path), "recipe": resolved.name, **outcome.to_json()})
    else:
        print_outcome(outcome, resolved)
    if check and not outcome.met:
        raise typer.Exit(1)


def _launch(devices: int) -> None:
    """Start this very command in several processes and exit as they do."""
    import sys

    from atlas_cli.engine import distributed

    if distributed.world_size() > 1:
        return
    arguments = [*given(), *sys.argv[1:]]
    raise typer.Exit(distributed.launch(devices, arguments))


def _reference(topic: str | None, recipe: str | None) -> str:
    if topic is None:
        raise UsageError("which topic?", "for example: atlas train ddpm --recipe small")
    return topic if recipe is None else f"{topic}/{recipe}"


def _named(**fields: object) -> list[str]:
    return [f"train.{name}={value}" for name, value in fields.items() if value is not None]


def _resolve(reference: str, overrides: list[str], data: str | None) -> Recipe:
    from atlas_cli.recipe import recipes

    return recipes.resolve(reference, overrides, data)


def _resolve_resumed(run: RunFolder, overrides: list[str], data: str | None) -> Recipe:
    """The recipe of the run, with changes shown; a changed architecture is refused."""
    from atlas_cli.recipe import recipes
    from atlas_cli.screen.messages import say

    own = recipes.resolve(str(run.path / "recipe.yaml"))
    wanted = recipes.resolve(str(run.path / "recipe.yaml"), overrides, data)
    wanted = wanted.model_copy(update={"name": run.info["recipe"]})
    changes = recipes.difference(own, wanted)
    if changes and recipes.architecture_changed(own, wanted):
        raise UsageError(
            f"the run {run.name} cannot go on with another architecture",
            "start a new run without --resume",
            changes,
        )
    for line in changes:
        say(f"changed on resume: {line}")
    return wanted


def _already_complete(run: RunFolder, json: bool) -> None:
    from atlas_cli.screen.messages import say
    from atlas_cli.screen.terminal import emit_json

    if json:
        emit_json({"run": str(run.path), "already_complete": True, **(run.result or {})})
    else:
        say(f"{run.path} is already complete; next: atlas sample {run.name}")
