"""The table of claims at every width: what it says of figures, comparisons, failures and a busy machine."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from rich.console import Console
from rich.theme import Theme

from atlas_cli import catalog
from atlas_cli.present.glossary import clause, is_speed
from atlas_cli.present.verdicts import meaning, verdict_table
from atlas_cli.recipe import recipes
from atlas_cli.recipe.model import base_metric
from atlas_cli.screen.terminal import PALETTE


def verdict(
    metric: str, bar: str, figure: float | None, ablated: float | None, **fields: Any
) -> dict[str, Any]:
    row = {
        "metric": metric,
        "claim": f"the claim on {metric}",
        "bar": bar,
        "figure": figure,
        "ablated": ablated,
    }
    return {**row, "passed": True, "base": None, **fields}


ACCURACY = verdict("class_accuracy", ">= 0.96", 0.977, 1.0)
RATIO = verdict("judge_frechet_ratio", "<= 0.15", 0.051, 326.0, base=16.7)
SPEED = verdict("tokens_per_second_256_ratio", ">= 5", 4.437, 106.0, base=470.3, passed=False)
MISSED = verdict("copy_accuracy", ">= 0.98", 0.7, 0.5, passed=False)
UNJUDGED = verdict("recall_gain", ">= 0.5", None, None, passed=None)


def printed(*things: Any, width: int = 80) -> str:
    console = Console(file=StringIO(), width=width, theme=Theme(PALETTE), color_system=None)
    for thing in things:
        console.print(thing)
    return console.file.getvalue()  # type: ignore[attr-defined]


def said(*rows: dict[str, Any], **fields: Any) -> str:
    return printed(*meaning({"verdicts": list(rows), **fields}, "mine/small"), width=200)


def test_a_comparison_names_both_figures_and_puts_none_where_another_quantity_stands() -> None:
    text = printed(verdict_table([RATIO]), width=140)
    assert "judge_frechet: 16.700 over 326 without the idea" in text
    row = next(line for line in text.splitlines() if "the claim on" in line)
    assert row.split("  ")[-2:] != ["326", "holds"]
    assert "326" not in row
    assert "0.051" in row


def test_each_figure_is_explained_in_a_clause() -> None:
    text = printed(verdict_table([ACCURACY]), width=140)
    assert "class_accuracy: share of the samples that the judge" in text


def test_so_is_one_of_a_comparison_that_was_not_judged() -> None:
    unjudged = verdict("early_gradient_ratio", ">= 300", None, None, passed=None)
    assert "norm of the generator's gradient" in printed(verdict_table([unjudged]), width=140)


def test_a_recipe_may_say_what_a_figure_of_its_own_is() -> None:
    row = verdict("wobble", "<= 1", 0.5, 2.0, means="metres by which the pole sways")
    assert "wobble: metres by which the pole sways" in printed(verdict_table([row]), width=140)


def test_what_is_better_without_the_idea_is_explained_where_it_happens() -> None:
    assert "better without the idea" in printed(verdict_table([ACCURACY]), width=140)
    assert "better without" not in printed(verdict_table([MISSED, RATIO]), width=140)


def test_what_the_atlas_measured_stands_beside_what_was_measured_now() -> None:
    measured = {"class_accuracy": {"mean": 0.9824, "low": 0.9727, "high": 0.9922}}
    text = printed(verdict_table([ACCURACY], measured), width=140)
    assert "the atlas measured 0.982 (0.973 to 0.992)" in text


@pytest.mark.parametrize("width", [60, 80])
def test_no_column_starves_the_claims(width: int) -> None:
    text = printed(verdict_table([ACCURACY, UNJUDGED, SPEED]), width=width)
    assert max(len(line.rstrip()) for line in text.splitlines()) <= width
    if width == 80:
        assert "the claim on class_accuracy " in text
        assert "the claim on recall_gain " in text


def test_the_last_lines_say_what_it_means() -> None:
    assert said(ACCURACY, RATIO).startswith("2 of 2 claims hold: what the recipe says")
    failed = said(ACCURACY, MISSED, measured={"copy_accuracy": {"mean": 0.999}})
    assert "1 of 2 claims hold\n" in failed
    assert "copy_accuracy  0.700 where >= 0.98 was wanted; the atlas measured 0.999" in failed
    assert "atlas train mine/small --seed 1" in failed
    unjudged = said(UNJUDGED)
    assert "hold" not in unjudged
    assert "without --no-ablate" in unjudged


def test_a_claim_on_speed_says_so_and_how_busy_the_machine_was() -> None:
    text = said(SPEED, load={"average": 5.6, "cores": 2})
    assert "4.437 where >= 5 was wanted; it is a figure of speed: try again while nothing else runs" in text
    assert "5.6 processes wanted the 2 cores: too busy to trust it" in text
    assert "--seed" not in text
    assert "too busy" not in said(SPEED, load={"average": 1.6, "cores": 2})
    assert "processes" not in said(ACCURACY, load={"average": 5.6, "cores": 2})
    assert "a figure of speed" in printed(verdict_table([SPEED]), width=140)


def test_every_metric_of_a_claim_has_its_clause() -> None:
    names = {
        base_metric(metric)
        for topic in catalog.topics() for recipe in catalog.recipes_of(topic)
        for metric, bar in recipes.resolve(f"{topic.slug}/{recipe}").expect.items()
        if not bar.means
    }  # fmt: skip
    assert len(names) > 30
    assert sorted(name for name in names if not clause(name)) == []
    assert {name for name in names if is_speed(name)} >= {"speedup", "time_exponent", "tokens_per_second_256"}
