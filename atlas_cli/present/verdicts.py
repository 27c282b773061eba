"""A verdict that explains itself: the claims with what their figures are, and what it all means."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from atlas_cli.present.glossary import clause, is_speed
from atlas_cli.recipe.model import base_metric

Row = Mapping[str, Any]  # a verdict as it stands in result.json
BUSY = 0.5  # of the cores at work beside this run's own: from here on a figure of speed means little


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
        return Text("not judged", "atlas.muted")
    return Text("holds", "atlas.good") if passed else Text("FAILS", "atlas.bad")


def verdict_table(verdicts: Sequence[Row], measured: Mapping[str, Any] | None = None) -> Table:
    """Claim, bar, figure, the figure without the idea, verdict; under each claim what its figure is.

    Args:
        verdicts: As they stand in result.json.
        measured: What the atlas measured, by metric: "mean", "low" and "high".
    """
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="atlas.muted")
    table.add_column("claim", ratio=1, min_width=16)
    for name in ("bar", "figure", "without"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for v in verdicts:
        cell = Text(v["claim"] or v["metric"])
        for line in _notes(v, (measured or {}).get(v["metric"])):
            cell.append(f"\n{line}", "atlas.muted")
        without = "" if compares(v) else number(v["ablated"])
        table.add_row(cell, v["bar"], number(v["figure"]), without, verdict_text(v["passed"]))
    return table


def compares(v: Row) -> bool:
    """Whether the figure is of this run against the one without the idea, and so has no counterpart there."""
    return v.get("base") is not None


def _notes(v: Row, measured: Row | None) -> Iterator[str]:
    """What the figure is, both figures behind a comparison, and what the atlas measured."""
    metric = v["metric"]
    base = base_metric(metric)
    if compares(v):
        how = "over" if metric.endswith("_ratio") else "minus"
        yield f"{base}: {number(v['base'])} {how} {number(v['ablated'])} without the idea"
        if words := v.get("means") or clause(base):
            yield words
    else:
        words = v.get("means") or clause(metric) or clause(base)  # of a comparison that was not judged
        yield f"{metric}: {words}" if words else metric
    if measured:
        spread = f" ({number(measured['low'])} to {number(measured['high'])})" if "low" in measured else ""
        yield f"the atlas measured {number(measured['mean'])}{spread}"
    if _better_without(v):
        yield "better without the idea here; what the idea is for shows in the other claims"
    if is_speed(base):
        yield "a figure of speed: other work on the machine changes it"


def _better_without(v: Row) -> bool:
    if compares(v) or v["ablated"] is None or v["figure"] is None or v["bar"].count(".. "):
        return False
    difference: float = v["ablated"] - v["figure"]
    return difference > 0 if v["bar"].startswith(">=") else difference < 0


def meaning(result: Mapping[str, Any], recipe: str) -> Iterator[Text]:
    """What the verdicts come to, and what to try where a claim fails.

    Args:
        result: What stands in result.json.
        recipe: Its name.
    """
    verdicts: Sequence[Row] = result["verdicts"]
    judged = [v for v in verdicts if v["passed"] is not None]
    failed = [v for v in judged if not v["passed"]]
    if judged:
        held = f"{len(judged) - len(failed)} of {len(judged)} claims hold"
        more = ": what the recipe says of its idea was true in this run" if not failed else ""
        yield Text(held + more, "atlas.bad" if failed else "atlas.good")
    if len(judged) < len(verdicts):
        yield Text("what is not judged compares with a run without the idea: train it without --no-ablate")
    for v in failed:
        yield Text.assemble((f"{v['metric']}  ", "atlas.bad"), _miss(v, result))
    if any(not is_speed(base_metric(v["metric"])) for v in failed):
        again = f"to tell chance from cause, try another seed: atlas train {recipe} --seed 1"
        yield Text(again, "atlas.muted")
    if busy := _how_busy(result.get("load"), [v for v in verdicts if is_speed(base_metric(v["metric"]))]):
        yield Text(busy, "atlas.muted")


def _miss(v: Row, result: Mapping[str, Any]) -> str:
    """By how much a claim failed, what is usual, and what to try about a figure of speed."""
    if v["figure"] is None or not math.isfinite(v["figure"]):
        return "there is no such figure: the run did not evaluate it"
    miss = f"{number(v['figure'])} where {v['bar']} was wanted"
    if is_speed(base_metric(v["metric"])):
        return f"{miss}; it is a figure of speed: try again while nothing else runs here"
    known = result.get("measured", {}).get(v["metric"])
    usual = f"; the atlas measured {number(known['mean'])}" if known else ""
    return miss + usual


def _how_busy(load: Row | None, timed: Sequence[Row]) -> str:
    """How busy the machine was when its speed was measured."""
    if not load or not timed:
        return ""
    busy = load["average"] / load["cores"]
    words = f"when speed was measured, {load['average']:.1f} processes wanted the {load['cores']} cores"
    return f"{words}: too busy to trust it" if busy > 1 + BUSY else words
