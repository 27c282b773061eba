"""Tables of runs: the list, in which names are never cut, and figures side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich.table import Table

from atlas_cli.present.verdicts import number
from atlas_cli.runs.folder import RunFolder
from atlas_cli.runs.summary import short_changes

Row = Mapping[str, Any]

_GAP = 2  # columns between two columns
_NARROWEST = 14  # of what was changed, which may take several lines
#: Title -> what stands under it, the ones that give way last first.
_COLUMNS: dict[str, Callable[[Row], str]] = {
    "run": lambda row: str(row["name"]),
    "claims": lambda row: str(row["claims"]),
    "changed": lambda row: _changed(row),
    "status": lambda row: str(row["status"]),
    "training": lambda row: f"{row['train_seconds']:.0f} s" if row["train_seconds"] else "-",
    "started": lambda row: str(row["started"])[:16].replace("T", " "),
    "recipe": lambda row: str(row["recipe"]),
}


def _changed(row: Row) -> str:
    """What was changed, the tags, if it was imported; a series tags its runs with the changes, told once."""
    told = short_changes(row["changes"])
    tags = [f"#{tag}" for tag in row["tags"] if tag.rpartition(".")[2] not in told.split()]
    return " ".join(filter(None, [told, *tags, "imported" if row["imported"] else ""]))


def runs_table(rows: Sequence[Row], width: int) -> Table:
    """As many columns as the width has room for; the name of a run always stands whole on one line."""
    cells = {title: [told(row) for row in rows] for title, told in _COLUMNS.items()}
    if not any(cells["changed"]):
        del cells["changed"]
    while len(cells) > 1 and sum(_least(title, texts) + _GAP for title, texts in cells.items()) > width:
        cells.popitem()
    table = Table(box=None, padding=(0, _GAP, 0, 0), header_style="atlas.muted")
    for title, texts in cells.items():
        whole = title != "changed"
        least = _least(title, texts) if whole else _NARROWEST
        table.add_column(title, no_wrap=whole, min_width=least, overflow="fold")
    for row in zip(*cells.values(), strict=True):
        table.add_row(*row)
    return table


def _least(title: str, texts: Sequence[str]) -> int:
    longest = max(len(title), *map(len, texts))
    return min(longest, _NARROWEST) if title == "changed" else longest


def figures_table(rows: Sequence[Row]) -> Table:
    """A row a figure, a column a run; of two runs the difference as well."""
    table = Table(box=None, padding=(0, _GAP, 0, 0), header_style="atlas.muted")
    two = len(rows) == 2
    table.add_column("figure", overflow="fold")
    for row in rows:
        table.add_column(row["name"], justify="right", overflow="fold")
    if two:
        table.add_column("difference", justify="right")
    for name in sorted({name for row in rows for name in row["figures"]}):
        values = [row["figures"].get(name) for row in rows]
        gap = [number(values[1] - values[0] if None not in values else None)] if two else []
        table.add_row(name, *map(number, values), *gap)
    return table


def changes_of(runs: Sequence[RunFolder]) -> dict[str, list[str]]:
    """How the recipe of each run but the first differs from the first one's."""
    from atlas_cli.recipe import recipes

    first, *others = (recipes.of_run(run.path) for run in runs)
    return {run.name: recipes.difference(first, other) for run, other in zip(runs[1:], others, strict=True)}
