"""`atlas train`: train a recipe, judge it against its claims, show what it learned."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from atlas_cli.commands import _complete
from atlas_cli.commands._devices import Device
from atlas_cli.commands._log import Log, LogOption
from atlas_cli.commands._places import DataDir, Runs
from atlas_cli.errors import UsageError, quoted
from atlas_cli.screen.flags import flags, given

if TYPE_CHECKING:
    from atlas_cli.commands._training import Place, Wish
    from atlas_cli.recipe.model import Recipe

PANEL, PLACE = "Train", 1  # in atlas --help
LONG_RUNNING = True


def train(
    topic: Annotated[
        str | None,
        typer.Argument(help="Topic, topic/recipe, or a recipe file.", autocompletion=_complete.recipes),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            "--recipe",
            "-r",
            help="Recipe of the topic (default: small).",
            autocompletion=_complete.recipes_of_topic,
        ),
    ] = None,
    sets: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            "-s",
            metavar="KEY=VALUE",
            autocompletion=_complete.fields,
            help="Change a field: train.steps=500, width=32. Repeatable.",
        ),
    ] = None,
    data: Annotated[str | None, typer.Option(help="Another data source: mnist, cifar10, digits ...")] = None,
    data_dir: DataDir = None,
    seed: Annotated[int | None, typer.Option(help="Seed of weights and batches.")] = None,
    seeds: Annotated[
        int | None, typer.Option(min=1, help="Number of seeds to train with; claims are judged over all.")
    ] = None,
    sweep: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=A,B,...",
            help="Train once with each value, and compare at the end. Repeatable.",
            autocompletion=_complete.fields,
        ),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the run.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="Mark the run, to find it again. Repeatable.")] = None,
    device: Device = "auto",
    precision: Annotated[str | None, typer.Option(help="auto, fp32 or bf16.")] = None,
    threads: Annotated[int | None, typer.Option(help="Compute threads (0: one for each core).")] = None,
    compile: Annotated[
        bool, typer.Option("--compile", help="Compile the training step with torch.compile.")
    ] = False,
    devices: Annotated[int, typer.Option(min=1, help="Number of processes; they share each batch.")] = 1,
    out: Runs = Path("runs"),
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
    check: Annotated[
        bool, typer.Option("--check", help="Exit 1 when a claim does not hold; claims of speed aside.")
    ] = False,
    check_speed: Annotated[
        bool, typer.Option("--check-speed", help="The same, and claims of speed count too.")
    ] = False,
    guess: Annotated[
        bool, typer.Option("--guess", help="Ask first what you expect of the idea, and tell how it came out.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Show the recipe and what it will cost; train nothing.")
    ] = False,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Write curves for TensorBoard while it trains.")
    ] = False,
    log: LogOption = Log.text,
    json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Train a recipe and judge it.

    Example: [bold]atlas train ddpm --recipe small[/bold]
    """
    from atlas_cli.commands._training import Place, Wish
    from atlas_cli.runs.folder import Labels

    _refuse_together(
        {"--seeds": seeds, "--sweep": sweep, "--resume": resume, "--dry-run": dry_run or None},
        ("--seeds", "--sweep"),
    )
    several: dict[str, object] = {
        "--seeds": seeds,
        "--sweep": sweep,
        "--devices": devices if devices > 1 else None,
    }
    _refuse_together({**several, "--resume": resume, "--dry-run": dry_run or None, "--guess": guess or None},
                     ("--guess",))  # fmt: skip
    _refuse_together(several, ("--devices",))
    _refuse_together({"--resume": resume, "--name": name, "--tag": tag}, ("--resume",))
    flags.jsonl = log is Log.jsonl
    if tensorboard:
        from atlas_cli.present import board

        board.require()
    if devices > 1:
        _launch(devices)
    overrides = [*(sets or []), *_named(seed=seed, precision=precision, threads=threads)]
    labels = Labels(name, tuple(tag or ()))
    place = Place(out, data_dir, device, compile, ablate, labels, tensorboard)
    wish = Wish(check or check_speed, check_speed, json, guess)
    if resume is not None:
        _resume(resume, topic, recipe, place, wish, overrides, data, dry_run)
        return
    _require_labels(place)
    reference = _reference(topic, recipe)
    if seeds is not None or sweep:
        _series(reference, overrides, data, place, wish, seeds, sweep or [])
        return
    _one(reference, overrides, data, place, wish, dry_run)


def _one(
    reference: str, overrides: Sequence[str], data: str | None, place: Place, wish: Wish, dry_run: bool
) -> None:
    from atlas_cli.commands import _training

    resolved, place = _resolved(reference, overrides, data, place)
    if wish.check:
        _training.require_claims(resolved, place.ablate, wish.speed)
    if dry_run:
        _training.print_cost(resolved, place, wish.json)
        return
    if not wish.guess:
        _training.finish(resolved, _training.run_one(resolved, place, wish), wish)
        return
    from atlas_cli.commands import _guess

    guess = _guess.ask(resolved, _guess.require(resolved, place, wish))
    outcome = _training.run_one(resolved, place, wish)
    if guess is not None:
        _guess.tell(guess, resolved, outcome)
    _training.finish(resolved, outcome, wish)


def _resume(
    reference: str, topic: str | None, recipe: str | None, place: Place, wish: Wish,
    overrides: list[str], data: str | None, dry_run: bool,
) -> None:  # fmt: skip
    from atlas_cli.commands import _resume as resuming
    from atlas_cli.commands import _training

    run = resuming.chosen(reference, topic, recipe, place.out)
    resolved, goes_on = resuming.recipe_of(run, overrides, data)
    if wish.check:
        _training.require_claims(resolved, place.ablate, wish.speed)
    if not goes_on:
        _training.tell_complete(run, resolved, wish)
        return
    if dry_run:
        _training.print_cost(resolved, place, wish.json, run)
        return
    _training.finish(resolved, _training.run_one(resolved, place, wish, run), wish)


def _series(
    reference: str, overrides: list[str], data: str | None, place: Place, wish: Wish,
    seeds: int | None, sweep: list[str],
) -> None:  # fmt: skip
    from atlas_cli.commands import _series as several

    first, _ = _resolved(reference, overrides, data, place)
    changes = several.swept(sweep) if sweep else several.seeded(first.train.seed, seeds or 1)
    trained = several.train_all(
        changes, lambda change: _resolved(reference, [*overrides, *change], data, place), wish
    )
    several.finish(trained, wish, over_seeds=not sweep)


def _resolved(
    reference: str, overrides: Sequence[str], data: str | None, place: Place
) -> tuple[Recipe, Place]:
    """The recipe with its changes, and the place with these written down for the run's folder."""

    from atlas_cli.recipe import recipes

    resolved = recipes.resolve(reference, overrides, data, command="train")
    changes: tuple[str, ...] = ()
    if overrides or data:
        changes = tuple(recipes.difference(recipes.resolve(reference, command="train"), resolved))
    return resolved, place._replace(labels=place.labels._replace(changes=changes))


def _refuse_together(given: dict[str, object], one: tuple[str, ...]) -> None:
    """Refuse options of which each asks for something else."""
    named = [option for option, value in given.items() if value is not None]
    if len(named) > 1 and set(named) & set(one):
        raise UsageError(f"{' and '.join(named)} do not go together", f"leave out {named[-1]}")


def _require_labels(place: Place) -> None:
    from atlas_cli.runs.naming import require_free, require_short

    for tag in place.labels.tags:
        require_short(tag, "tag (--tag)")
    if place.labels.name is not None:
        require_free(place.out, place.labels.name)


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
    if recipe is not None and ("/" in topic or topic.endswith((".yaml", ".yml"))):
        raise UsageError(f"{quoted(topic)} is a recipe, and --recipe names another", "leave out one of them")
    return topic if recipe is None else f"{topic}/{recipe}"


def _named(**fields: object) -> list[str]:
    return [f"train.{name}={value}" for name, value in fields.items() if value is not None]
