"""The verdict of a run: each claim of `expect`, its bar, the figure, what the run without the idea got."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from atlas_cli.recipe.model import Bar, base_metric


@dataclass(frozen=True)
class Verdict:
    """One judged claim; `passed` is None when it needs an ablation that was not run."""

    metric: str
    claim: str
    bar: str
    figure: float | None
    ablated: float | None  # the plain metric in the run without the idea
    passed: bool | None
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
            verdicts.append(Verdict(metric, bar.claim, describe(bar), None, None, None, bar.speed))
            continue
        figure = _compare(metric, figures.get(base), without) if compares else figures.get(metric)
        passed = _within(figure, bar)
        verdicts.append(Verdict(metric, bar.claim, describe(bar), figure, without, passed, bar.speed))
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


def describe(bar: Bar) -> str:
    """The bar in words of a table: ">= 0.97", "<= 35", "0.9 .. 1.1"."""
    if bar.min is not None and bar.max is not None:
        return f"{bar.min:g} .. {bar.max:g}"
    return f">= {bar.min:g}" if bar.min is not None else f"<= {bar.max:g}"


def met(verdicts: list[Verdict]) -> bool | None:
    """Whether every claim was judged and passed; None where nothing was judged."""
    if all(v.passed is None for v in verdicts):
        return None
    return all(v.passed for v in verdicts)
