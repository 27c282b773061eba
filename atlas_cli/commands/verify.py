"""`atlas verify`: train every recipe of a topic that makes a claim, over several seeds, and judge it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from atlas_cli.commands import _complete
from atlas_cli.commands._devices import Device
from atlas_cli.commands._log import Log, LogOption
from atlas_cli.commands._places import DataDir, Runs
from atlas_cli.errors import UsageError
from atlas_cli.screen.flags import flags

if TYPE_CHECKING:
    from atlas_cli.engine.verification import Verification
    from atlas_cli.recipe.model import Recipe

PANEL, PLACE = "Train", 3  # in atlas --help
LONG_RUNNING = True


def verify(
    topics: Annotated[
        list[str], typer.Argument(help="Topics, or topic/recipe.", autocompletion=_complete.recipes)
    ],
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds to train with.")] = 1,
    rows: Annotated[
        int | None, typer.Option(min=0, help="With how many the rows of `vary`; all, unless said.")
    ] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Write the figures into the recipes' `measured:` lines.")
    ] = False,
    time: Annotated[
        bool,
        typer.Option(
            "--time", help="Train nothing: time a few steps here and as on a plain laptop (fp32, AVX2)."
        ),
    ] = False,
    data_dir: DataDir = None,
    device: Device = "auto",
    out: Runs = Path("runs"),
    log: LogOption = Log.text,
    json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Check every claim of a topic by training it, with and without its idea.

    Example: [bold]atlas verify ddpm --seeds 3[/bold]
    """
    chosen = [
        recipe for topic in topics for recipe in _claiming_recipes(topic)
    ]  # a wrong name costs no torch
    if time:
        _time(chosen, write, json)
        return
    from atlas_cli.commands._claims_table import claims_table
    from atlas_cli.engine import distributed
    from atlas_cli.engine.build import Options
    from atlas_cli.engine.verification import verify_recipe
    from atlas_cli.present.events import train_reporter
    from atlas_cli.screen import messages, terminal

    options = Options(
        out=out, data_dir=data_dir, device=device, offline=flags.offline, ablate=True, varied=True
    )
    told = train_reporter(json, not distributed.is_main())
    results: list[Verification] = []
    for recipe in chosen:
        results.append(verify_recipe(recipe, options, told, seeds, rows))
        if write:
            results[-1].write()
    passed = all(r.met for r in results)
    if json:
        terminal.emit_json({"met": passed, "recipes": [r.to_json() for r in results]})
    else:
        terminal.out.print(claims_table(results))
        messages.next_command("atlas run ls", "the runs behind these figures")
    if not passed:
        raise typer.Exit(1)


def _time(recipes: list[Recipe], write: bool, json: bool) -> None:
    """Seconds of training from a few steps; leave the machine alone meanwhile."""
    from atlas_cli.engine.device import threads
    from atlas_cli.engine.laptop import timed
    from atlas_cli.engine.verification import write_timed
    from atlas_cli.screen import terminal

    found = {}
    for recipe in recipes:
        seconds = write_timed(recipe) if write else timed(recipe.name, threads(recipe.train.threads))
        found[recipe.name] = seconds
        if not json:
            told = ", ".join(f"{name} {value:g}" for name, value in seconds.items())
            terminal.emit_text(f"{recipe.name}: {told}")
    if json:
        terminal.emit_json({"met": None, "timed": found, "recipes": []})


def _claiming_recipes(reference: str) -> list[Recipe]:
    """The recipes of a topic that state what they must reach; `full` is for a GPU and only when named."""
    from atlas_cli import catalog
    from atlas_cli.recipe import recipes

    if "/" in reference:
        named = recipes.resolve(reference, command="verify")
        if not named.expect:
            raise UsageError(
                f"{reference} makes no claim that could be checked",
                f"choose another recipe: atlas recipe ls {reference.split('/')[0]}",
            )
        return [named]
    topic = catalog.resolve(reference, "verify")
    names: list[Any] = [n for n in catalog.recipes_of(topic) if n != "full"]
    found = [recipes.resolve(f"{topic.slug}/{name}") for name in names]
    claiming = [recipe for recipe in found if recipe.expect]
    if not claiming:
        raise UsageError(
            f"no recipe of {topic.slug} makes a claim yet", "atlas recipe ls shows the recipes that there are"
        )
    return claiming
