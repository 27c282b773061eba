"""The part of a notebook that trains: what it takes, what it must reach, and what it learned to make."""

from __future__ import annotations

from typing import TYPE_CHECKING

from atlas_cli import catalog
from atlas_cli.notebook.cells import Cells
from atlas_cli.notebook.prose import plain
from atlas_cli.recipe import times
from atlas_cli.recipe.model import Recipe

if TYPE_CHECKING:
    from atlas_cli.catalog import Topic

_TITLE = "Train it"
_SHORT = "ci"  # the recipe of a topic that is over in seconds and has claims, where there is one
_LONG_S = 100.0  # from here on minutes are easier to read


def train(cells: Cells, topic: Topic, recipe: Recipe) -> None:
    """Cells that train a recipe, sample what was trained, and draw diagrams from it."""
    from atlas_cli.site import figures

    cells.part(_TITLE)
    cells.text(f"## {_TITLE}\n\n{_told(topic, recipe)}")
    cells.code(f'result = api.train("{recipe.name}")\nresult')
    cells.text("What it makes from other random numbers:")
    cells.code("api.sample(result, seed=1)")
    drawn = [
        f'api.diagram("{topic.slug}", "{shown.name}", run="latest")  # {shown.title}'
        for shown in figures.yours(topic)
        if topic.slug in shown.systems
    ]
    if drawn:
        calls = "\n".join(drawn)
        cells.text(f"Your own run can be drawn, too; each line wants a cell:\n\n```python\n{calls}\n```")


def _told(topic: Topic, recipe: Recipe) -> str:
    """What the recipe does, how long it takes, and by what it is judged."""
    parts = [f"`{recipe.name}`: {plain(recipe.about)} {_times(recipe)}".strip()]
    own = times.seconds_of(recipe.measured)
    short = times.seconds(f"{topic.slug}/{_SHORT}") if _SHORT in catalog.recipes_of(topic) else None
    if own is not None and short is not None and short < own:
        parts.append(f'`api.train("{topic.slug}/{_SHORT}")` makes do with {_span(short)}.')
    if recipe.expect:
        rows = "\n".join(
            f"| {plain(bar.claim or name)} | `{name}` | {bar} |" for name, bar in recipe.expect.items()
        )
        parts.append(
            f"It is judged by what it must reach:\n\n| claim | figure | bar |\n|---|---|---|\n{rows}"
        )
    return "\n\n".join(parts)


def _times(recipe: Recipe) -> str:
    said = []
    if took := _span(times.seconds_of(recipe.measured)):
        said.append(f"It took {took} when it was measured.")
    for parent, seconds in times.parents_seconds(recipe.name).items():
        took = _span(seconds)
        said.append(f"It builds on `{parent}`, which is trained first, once{f': {took}' if took else ''}.")
    return " ".join(said)


def _span(seconds: float | None) -> str:
    """A time in words, "" where it was never measured."""
    if seconds is None:
        return ""
    if seconds < 1:
        return "less than a second"
    return f"{seconds:.0f} seconds" if seconds < _LONG_S else f"{seconds / 60:.0f} minutes"
