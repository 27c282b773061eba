"""The verdict of a run: each claim of `expect`, its bar, the figure, what the run without the idea got."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from atlas_cli.recipe.model import Bar, Recipe, base_metric


@dataclass(frozen=True)
class Verdict:
    """One judged claim; `passed` is None when it needs an ablation that was not run."""

    metric: str
    claim: str
    bar: str
    figure: float | None
    ablated: float | None  # the plain metric in the run without the idea
    passed: bool | None
    base: float | None = None  # the plain metric in this run, where the figure compares it with `ablated`
    speed: bool = False  # see Bar

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def judge(
    expect: Mapping[str, Bar], figures: Mapping[str, float], ablated: Mapping[str, float] | None
) -> list[Verdict]:
    """Judge every bar of `expect`.

    A metric that was evaluated under its own name is taken as it is; otherwise `_ratio` is this run over
    the ablated one and `_gain` this run minus the ablated one. A figure that is missing or not finite fails.
    """
    verdicts = []
    for metric, bar in expect.items():
        base = base_metric(metric)
        compares = metric not in figures and base != metric
        without = ablated.get(base) if ablated is not None else None
        if compares and ablated is None:
            verdicts.append(Verdict(metric, bar.claim, str(bar), None, None, None, None, bar.speed))
            continue
        figure = _compare(metric, figures.get(base), without) if compares else figures.get(metric)
        own, passed = figures.get(base) if compares else None, _within(figure, bar)
        verdicts.append(Verdict(metric, bar.claim, str(bar), figure, without, passed, own, bar.speed))
    return verdicts


def _compare(metric: str, figure: float | None, without: float | None) -> float | None:
    if figure is None or without is None:
        return None
    if metric.endswith("_gain"):
        return figure - without
    return figure / without if without else math.inf


def _within(figure: float | None, bar: Bar) -> bool:
    if figure is None or not math.isfinite(figure):
        return False
    return (bar.min is None or figure >= bar.min) and (bar.max is None or figure <= bar.max)


def met(verdicts: list[Verdict]) -> bool | None:
    """Whether every claim was judged and passed; None where none was judged."""
    if all(v.passed is None for v in verdicts):
        return None
    return all(v.passed for v in verdicts)


def usual(recipe: Recipe) -> dict[str, dict[str, float]]:
    """What the atlas measured of each claim's metric: its mean, and the lowest and highest of the seeds."""
    measured, spread = recipe.measured, recipe.measured.get("spread", {})
    known: dict[str, dict[str, float]] = {}
    for metric in recipe.expect:
        base = base_metric(metric)
        if metric in measured:
            low_high = dict(zip(("low", "high"), spread.get(metric, ()), strict=False))
            known[metric] = {"mean": measured[metric], **low_high}
        elif base in measured and base in measured.get("without", {}):
            compared = _compare(metric, measured[base], measured["without"][base])
            if compared is not None:
                known[metric] = {"mean": compared}
    return known
