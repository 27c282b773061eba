"""A topic's page names its exercises, as the exercises themselves say it, wherever it is shown."""

from __future__ import annotations

from html import escape

import pytest

from atlas_cli import catalog
from atlas_cli.catalog import Topic
from atlas_cli.exercises import find
from atlas_cli.pages import compose, export, source
from atlas_cli.site import article

WITH = [topic for topic in catalog.topics() if find.of(topic)]
WITHOUT = next(topic for topic in catalog.topics() if not find.of(topic))


@pytest.fixture(params=WITH, ids=lambda topic: topic.slug)
def topic(request: pytest.FixtureRequest) -> Topic:
    return request.param


def test_the_terminal_names_them_at_the_end_of_the_page(
    topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compose, "_diagram", lambda *_: [])
    shown = [line.plain.strip() for line in compose.compose(source.read_page(topic), 120)]
    assert shown.count("Exercises") == 1
    rows = shown[shown.index("Exercises") + 1 :]
    for row, exercise in zip(rows, find.of(topic), strict=False):
        assert row.split("   ")[0] == f"atlas exercise start {exercise.full_name}"
        assert row.endswith(exercise.title)


def test_the_web_names_them_in_a_box_that_the_contents_lead_to(topic: Topic) -> None:
    page = source.read_page(topic)
    titles = article.titles(page)
    assert titles[titles.index(article.TRY_IT) + 1] == article.EXERCISES
    box = article._exercises(page)
    assert '<section id="exercises"' in box
    for exercise in find.of(topic):
        assert f"<code>atlas exercise start {exercise.full_name}</code>" in box
        assert escape(exercise.title) in box
    assert box.count("<li>") == len(find.of(topic))


def test_documents_name_them(topic: Topic) -> None:
    page = source.read_page(topic)
    markdown = export.as_markdown(page).partition("\n## Exercises\n")[2]
    for exercise in find.of(topic):
        assert f"- {exercise.title}: `atlas exercise start {exercise.full_name}`" in markdown
    assert export.as_dict(page)["exercises"] == [exercise.full_name for exercise in find.of(topic)]


def test_a_page_without_exercises_and_a_part_of_a_page_have_no_such_box() -> None:
    whole, part = source.read_page(WITHOUT), source.read_page(WITH[0]).only(article.TRY_IT)
    for page in (whole, part):
        assert article.EXERCISES not in article.titles(page)
        assert "## Exercises" not in export.as_markdown(page)
