"""Verdicts: bars, comparisons with the run without the idea, and figures that are no figures."""

from __future__ import annotations

import math

import pytest

from atlas_cli.engine.verdict import judge, met, usual
from atlas_cli.recipe.recipes import Bar


def verdict(metric: str, bar: Bar, figures: dict[str, float], ablated: dict[str, float] | None = None):
    return judge({metric: bar}, figures, ablated)[0]


@pytest.mark.parametrize(("figure", "passed"), [(0.96, False), (0.97, True), (0.99, True)])
def test_a_minimum_includes_its_bound(figure: float, passed: bool) -> None:
    assert verdict("accuracy", Bar(min=0.97), {"accuracy": figure}).passed is passed


def test_ratio_divides_and_gain_subtracts() -> None:
    figures, ablated = {"fd": 30.0}, {"fd": 120.0}
    ratio = verdict("fd_ratio", Bar(max=0.3), figures, ablated)
    gain = verdict("fd_gain", Bar(max=-80), figures, ablated)
    assert (ratio.figure, ratio.ablated, ratio.passed) == (0.25, 120.0, True)
    assert (gain.figure, gain.passed) == (-90.0, True)


def test_a_figure_evaluated_under_its_own_name_is_taken_as_it_is() -> None:
    assert verdict("fd_ratio", Bar(max=4), {"fd_ratio": 3.0, "fd": 9.0}, None).figure == 3.0


def test_without_an_ablation_a_comparison_is_not_judged_and_nothing_is_met() -> None:
    v = verdict("fd_ratio", Bar(max=0.3), {"fd": 30.0}, None)
    assert v.passed is None
    assert not met([v])


@pytest.mark.parametrize("figure", [math.nan, math.inf, None])
def test_no_figure_fails(figure: float | None) -> None:
    figures = {} if figure is None else {"fd": figure}
    assert verdict("fd", Bar(min=-1e9), figures).passed is False


def test_a_ratio_over_zero_fails_a_maximum_and_a_minimum() -> None:
    for bar in (Bar(max=1e9), Bar(min=0)):
        assert verdict("fd_ratio", bar, {"fd": 1.0}, {"fd": 0.0}).passed is False


def test_where_nothing_was_judged_nothing_is_met_and_nothing_missed():
    assert met([]) is None
    unjudged = verdict("fd_ratio", Bar(max=0.3), {"fd": 30.0}, None)
    assert met([unjudged]) is None
    holds = verdict("fd", Bar(max=40), {"fd": 30.0}, None)
    assert met([holds, unjudged]) is False
    assert met([holds]) is True


def test_a_comparison_keeps_both_of_its_figures():
    v = verdict("fd_ratio", Bar(max=0.3), {"fd": 30.0}, {"fd": 300.0})
    assert (v.figure, v.base, v.ablated) == (0.1, 30.0, 300.0)
    assert verdict("fd", Bar(max=40), {"fd": 30.0}, {"fd": 300.0}).base is None


def test_what_is_usual_of_a_comparison_follows_from_what_was_measured():
    known = usual(recipes.resolve("ddpm/small"))
    measured = recipes.resolve("ddpm/small").measured
    assert known["class_accuracy"]["mean"] == measured["class_accuracy"]
    assert [known["class_accuracy"][x] for x in ("low", "high")] == measured["spread"]["class_accuracy"]
    ratio = measured["judge_frechet"] / measured["without"]["judge_frechet"]
    assert known["judge_frechet_ratio"] == {"mean": ratio}
