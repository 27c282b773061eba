"""Claims over several trainings of a recipe, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from atlas_cli.present.progress import clock
from atlas_cli.present.verdicts import number, verdict_text

if TYPE_CHECKING:
    from atlas_cli.engine.verification import Verification


def claims_table(results: Sequence[Verification]) -> Table:
    """Recipe, claim, bar, figure with its spread, the figure without the idea, training time, verdict."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="atlas.muted")
    table.add_column("recipe", no_wrap=True)
    table.add_column("claim", ratio=1, min_width=14)
    for name in ("bar", "figure", "without", "training"):
        table.add_column(name, justify="right")
    table.add_column("verdict", no_wrap=True)
    for result in results:
        for i, (metric, bar) in enumerate(result.recipe.expect.items()):
            verdicts = result.verdicts(metric)
            passed = all(v.passed for v in verdicts)
            table.add_row(
                result.recipe.name if i == 0 else "", Text(bar.claim or metric), verdicts[0].bar,
                _range([v.figure for v in verdicts]), _range([v.ablated for v in verdicts]),
                clock(result.seconds) if i == 0 else "", verdict_text(passed),
            )  # fmt: skip
    return table


def _range(values: Sequence[float | None]) -> str:
    known = [v for v in values if v is not None]
    if not known:
        return "-"
    low, high = min(known), max(known)
    return number(low) if len(known) == 1 or number(low) == number(high) else f"{number(low)}..{number(high)}"
