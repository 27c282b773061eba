"""The end of a run on the terminal: samples, the table of claims, where things lie, the next command."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from atlas_cli.present.artifacts.base import Artifact
from atlas_cli.present.progress import clock
from atlas_cli.recipe.model import base_metric
from atlas_cli.runs.folder import RunFolder
from atlas_cli.screen import messages
from atlas_cli.screen.terminal import out


def number(value: float | None) -> str:
    """Three or four significant digits, two of what three decimals would round away, "-" for none."""
    if value is None:
        return "-"
    if not math.isfinite(value):
        return str(value)
    if 0 < abs(value) < 0.001:
        return f"{value:.1e}"
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}" if abs(value) >= 100 else f"{value:.3f}"


def verdict_text(passed: bool | None) -> Text:
    """Pass or fail in words and colour."""
    if passed is None:
        return Text("not judged: add --ablate", "atlas.muted")
    return Text("holds", "atlas.good") if passed else Text("FAILS", "atlas.bad")


def verdict_table(verdicts: Sequence[Mapping[str, Any]]) -> Table:
    """Claim, bar, figure, the figure without the idea, verdict."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="atlas.muted")
    table.add_column("claim", ratio=1, min_width=16)
    for name in ("bar", "figure", "without the idea"):
        table.add_column(name, justify="right", no_wrap=name != "without the idea", min_width=6)
    table.add_column("verdict", no_wrap=True)
    for v in verdicts:
        claim = Text(v["claim"] or v["metric"])
        if v["claim"]:
            claim.append(f"  {v['metric']}", "atlas.muted")
        table.add_row(claim, v["bar"], number(v["figure"]), number(v["ablated"]), verdict_text(v["passed"]))
    return table


def figures_line(figures: Mapping[str, float], judged: Sequence[str]) -> Text:
    """The evaluated figures that no claim shows."""
    shown = {base_metric(name) for name in judged} | set(judged)
    rest = [f"{name} {number(value)}" for name, value in figures.items() if name not in shown]
    return Text("also measured: " + ", ".join(rest), "atlas.muted")


def print_outcome(
    run: RunFolder, recipe: str, result: Mapping[str, Any], artifact: Artifact | None, files: Sequence[Path]
) -> None:
    """Everything a person wants to see when a run ends.

    Args:
        run: Its folder.
        recipe: The name of what it trained.
        result: What stands in its result.json.
        artifact: What it learned to make.
        files: Pictures that lie in its folder.
    """
    if artifact is not None:
        out.print()
        artifact.print(out)
        if artifact.caption:
            out.print(Text(artifact.caption, "atlas.muted"))
    out.print()
    verdicts = result["verdicts"]
    if verdicts:
        out.print(verdict_table(verdicts))
        line = figures_line(result["figures"], [v["metric"] for v in verdicts])
        if ": " in line.plain and not line.plain.endswith(": "):
            out.print(line)
    else:
        out.print(Text(f"{recipe} makes no claim, so nothing was judged", "atlas.muted"))
    out.print()
    total = f"{clock(result['seconds'])} in all, {clock(result['train_seconds'])} training"
    if result["ablation_seconds"]:
        total += f", {clock(result['ablation_seconds'])} training without the idea"
    out.print(Text(total, "atlas.muted"))
    for file in files:
        out.print(Text(str(file), "atlas.muted"), soft_wrap=True)
    messages.next_command(f"atlas sample {run.name}", "more of what it learned")
