"""Several trainings of one recipe in a row: over seeds (`--seeds`), or over values of fields (`--sweep`)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

import typer

from atlas_cli.commands import _training
from atlas_cli.errors import UsageError
from atlas_cli.runs import claims

if TYPE_CHECKING:
    from rich.table import Table

    from atlas_cli.commands._training import Place, Wish
    from atlas_cli.engine.trainer import Outcome
    from atlas_cli.recipe.model import Recipe

Change = tuple[str, ...]  # of one training: "d_state=2"
_COMMA = re.compile(r",(?![^\[]*\])")  # not within a list


class Trained(NamedTuple):
    """One training of a series."""

    change: Change
    recipe: Recipe
    outcome: Outcome


def swept(sweeps: Sequence[str]) -> list[Change]:
    """Every combination of the values: ["a=1,2", "b=x"] is [("a=1", "b=x"), ("a=2", "b=x")].

    Raises:
        UsageError: one of them is not KEY=VALUE,VALUE.
    """
    axes = []
    for text in sweeps:
        key, equals, values = text.partition("=")
        listed = [value.strip() for value in _COMMA.split(values)]
        if not key or not equals or not all(listed):
            raise UsageError(
                f"--sweep {text!r} is not KEY=VALUE,VALUE", "for example: --sweep d_state=2,8,16"
            )
        axes.append([f"{key}={value}" for value in listed])
    return list(product(*axes))


def seeded(first: int, seeds: int) -> list[Change]:
    """The changes that give consecutive seeds."""
    return [(f"train.seed={first + i}",) for i in range(seeds)]


def train_all(
    changes: Sequence[Change], resolve: Callable[[Change], tuple[Recipe, Place]], wish: Wish
) -> list[Trained]:
    """Train the recipe with each of the changes. All are resolved first: a wrong value is refused at once."""
    from atlas_cli.screen import messages

    prepared = [(change, *resolve(change)) for change in changes]
    if wish.check:
        for _, recipe, place in prepared:
            _training.require_claims(recipe, place.ablate, wish.speed)
    trained = []
    for i, (change, recipe, place) in enumerate(prepared, start=1):
        messages.say(f"{recipe.name} with {', '.join(change)} ({i} of {len(prepared)})")
        tagged = (*place.labels.tags, *change)
        name = f"{place.labels.name}-{i}" if place.labels.name else None
        place = place._replace(labels=place.labels._replace(name=name, tags=tagged))
        trained.append(Trained(change, recipe, _training.run_one(recipe, place, wish)))
    return trained


def finish(series: Sequence[Trained], wish: Wish, over_seeds: bool) -> None:
    """The table at the end, or the document; exit 1 where a claim of any of them does not hold."""
    from atlas_cli.screen import messages
    from atlas_cli.screen.terminal import emit_json, out

    if wish.json:
        emit_json(document(series))
    else:
        out.print(_over_seeds(series) if over_seeds else sweep_table(series))
        names = " ".join(one.outcome.run.reference for one in series if one.outcome.run)
        messages.next_command(f"atlas run compare {names}", "their curves on one axis")
    verdicts = [(one.outcome.to_json()["verdicts"], one.recipe.name) for one in series]
    if wish.check and not all(claims.hold(told, wish.speed, name) for told, name in verdicts):
        raise typer.Exit(1)


def document(series: Sequence[Trained]) -> dict[str, Any]:
    """The document of --json: each training's own, with what was changed for it."""
    met = [one.outcome.met for one in series]
    return {
        "recipe": series[0].recipe.name, "met": None if None in met else all(met),
        "runs": [
            {"change": list(one.change), **_training.document(one.recipe, one.outcome)} for one in series
        ],
    }  # fmt: skip


def _over_seeds(series: Sequence[Trained]) -> Table:
    from atlas_cli.commands._claims_table import claims_table
    from atlas_cli.engine.verification import Verification

    return claims_table([Verification(series[0].recipe, [one.outcome for one in series])])


def sweep_table(series: Sequence[Trained]) -> Table:
    """A row a training: its run, the values, loss, the claimed figures, how many claims hold."""
    from rich.table import Table

    from atlas_cli.present.verdicts import number

    recipe = series[0].recipe
    keys = [text.partition("=")[0] for text in series[0].change]
    shown = list(recipe.expect) or list(series[0].outcome.figures)[:4]
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="atlas.muted")
    table.add_column("run", no_wrap=True, min_width=max(len(_name(one)) for one in series))
    for title in (*keys, "loss", *shown, "claims"):
        table.add_column(title, justify="right", overflow="fold")
    for one in series:
        told = one.outcome.to_json()
        judged = {v["metric"]: v["figure"] for v in told["verdicts"]} | one.outcome.figures
        values = [text.partition("=")[2] for text in one.change]
        figures = [number(judged.get(name)) for name in shown]
        table.add_row(
            _name(one), *values, number(told.get("loss")), *figures, claims.summary(told["verdicts"])
        )
    return table


def _name(one: Trained) -> str:
    return one.outcome.run.name if one.outcome.run else ""
