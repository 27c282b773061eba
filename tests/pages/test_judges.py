"""Distances by different judges do not stand beside each other in silence.

A distance depends on the classifier that judges. A recipe that was measured before the floor became the mean
of eight draws, and before the code was noted, was measured with another one; a page that shows its distances
says so, as long as it must.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from atlas_cli import documents, paths
from atlas_cli.catalog import Family, Topic
from tests.pages.test_typed_numbers import PAGES

_RECIPES = re.compile(r"\{\{\s*(?:figure|spread|gap|quotient|table)\s+([^}]*judge_frechet[^}]*)\}\}")
_NAME = re.compile(r"(?:^|\s)(?:([\w-]+)/)?([\w-]+)[.:]")
_SAYS = re.compile(r"\bearlier\s+judge\b")


def measured(topic: str, recipe: str) -> dict[str, Any]:
    path = paths.recipes_dir() / topic / f"{recipe}.yaml"
    return documents.parse(path.read_text(encoding="utf-8")).get("measured") or {}


def by_an_earlier_judge(figures: dict[str, Any]) -> bool:
    distances = [name for name in figures if name.startswith("judge_frechet")]
    return bool(distances) and "code" not in figures  # which is noted since the judge is this one


def judged(markdown: str, subject: Topic | Family) -> Iterator[tuple[str, str]]:
    """The recipes whose distances a page shows."""
    for directive in _RECIPES.findall(markdown):
        for topic, recipe in _NAME.findall(directive):
            yield topic or subject.slug, recipe


@pytest.mark.parametrize(
    ("name", "subject", "path"), PAGES, ids=lambda v: str(v) if isinstance(v, str) else ""
)
def test_a_page_names_an_earlier_judge_where_it_shows_its_distances(
    name: str, subject: Topic | Family, path: Path
) -> None:
    page = path.read_text(encoding="utf-8")
    earlier = sorted({r for r in judged(page, subject) if by_an_earlier_judge(measured(*r))})
    assert bool(_SAYS.search(page)) == bool(earlier), f"distances by an earlier judge: {earlier}"


def test_the_recipes_of_a_page_are_found() -> None:
    (subject,) = (subject for name, subject, _ in PAGES if name == "diffusion/ddpm")
    page = (
        "{{ figure small.judge_frechet }} {{ gap a/b.judge_frechet c.d }} {{ table x: judge_frechet_5 as 5 }}"
    )
    assert list(judged(page, subject)) == [("ddpm", "small"), ("a", "b"), ("ddpm", "c"), ("ddpm", "x")]
    assert list(judged("{{ figure small.class_accuracy }}", subject)) == []


def test_the_judge_is_told_by_whether_the_code_was_noted() -> None:
    assert by_an_earlier_judge({"judge_frechet": 1.0, "judge_frechet_floor": 1.0})
    assert not by_an_earlier_judge({"judge_frechet_5": 1.0, "code": "sha256:0"})
    assert not by_an_earlier_judge({"loss": 1.0})
