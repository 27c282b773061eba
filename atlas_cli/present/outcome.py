"""The end of a run on the terminal: samples, the table of claims, where things lie, the next command."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.text import Text

from atlas_cli.present.artifacts.base import Artifact
from atlas_cli.present.progress import clock
from atlas_cli.present.reporter import show
from atlas_cli.present.verdicts import meaning, number, verdict_table
from atlas_cli.recipe.model import base_metric
from atlas_cli.runs.folder import RunFolder
from atlas_cli.screen import messages
from atlas_cli.screen.terminal import out


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
        artifact: What it learned to make; None where that was shown already.
        files: Pictures that lie in its folder.
    """
    if artifact is not None:
        show(artifact)
    out.print()
    verdicts = result["verdicts"]
    if verdicts:
        out.print(verdict_table(verdicts, result.get("measured", {})))
        line = figures_line(result["figures"], [v["metric"] for v in verdicts])
        if ": " in line.plain and not line.plain.endswith(": "):
            out.print(line)
        out.print()
        for words in meaning(result, recipe):
            out.print(words)
    else:
        out.print(Text(f"{recipe} makes no claim, so nothing was judged", "atlas.muted"))
    out.print()
    trained = result["train_seconds"] + result["ablation_seconds"]
    span = "in all" if trained <= result["seconds"] else "since it was resumed"
    total = f"{clock(result['seconds'])} {span}, {clock(result['train_seconds'])} training"
    if result["ablation_seconds"]:
        total += f", {clock(result['ablation_seconds'])} training without the idea"
    out.print(Text(total, "atlas.muted"))
    for file in files:
        out.print(Text(str(file), "atlas.muted"), soft_wrap=True)
    messages.next_command(f"atlas sample {run.reference}", "more of what it learned")
