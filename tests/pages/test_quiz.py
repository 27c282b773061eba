"""Quizzes: the file format, and what every quiz that ships must be."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import yaml

from atlas_cli import catalog
from atlas_cli.errors import DataError, UsageError
from atlas_cli.pages import quiz
from atlas_cli.pages.html import HtmlRenderer
from atlas_cli.pages.text import Renderer

SHIPPED = quiz.families()


def test_the_three_families_with_a_trainer_have_one():
    with_trainer = {topic.family for topic in catalog.topics() if catalog.recipes_of(topic)}
    assert with_trainer <= {family.slug for family in SHIPPED}


@pytest.mark.parametrize("family", SHIPPED, ids=lambda family: family.slug)
def test_a_quiz_has_twelve_questions_of_all_kinds_and_two_for_each_of_its_topics(family: catalog.Family):
    questions = quiz.load(family).questions
    assert len(questions) >= 12
    assert set(quiz.KINDS) == {question.kind for question in questions}
    counts = Counter(question.topic for question in questions)
    assert set(counts) == {topic.slug for topic in family.topics}
    assert min(counts.values()) >= 2
    assert len({question.ask for question in questions}) == len(questions)


@pytest.mark.parametrize("family", SHIPPED, ids=lambda family: family.slug)
def test_every_choice_has_a_why_of_its_own_that_can_be_shown(family: catalog.Family):
    web = HtmlRenderer(lambda name: "", lambda target: None, family.slug)
    screen = Renderer(80, lambda name, room: [], family.slug)
    for question in quiz.load(family).questions:
        assert len({choice.why for choice in question.choices}) == len(question.choices) == 4
        for text in [question.ask, *(text for choice in question.choices for text in choice[:2])]:
            assert web.inline(text)
            assert len(text) < 260
            assert any(line.plain.strip() for line in screen.render(text))


def test_a_topic_s_name_asks_about_that_topic_alone():
    found = quiz.find("sngan")
    assert found.family.slug == "gan"
    assert {question.topic for question in found.questions} == {"sngan"}
    whole = quiz.load(catalog.resolve_family("gan")).questions
    assert quiz.find("GANs").questions == whole
    assert {question.topic for question in quiz.find("gan").questions} == {"gan"}  # and not its family
    assert {question.topic for question in quiz.find("2").questions} >= {"s4", "mamba"}


def test_a_quiz_by_its_topic_s_name_asks_as_many_as_the_path_says():
    for topic in catalog.topics():
        if entries := [entry for entry in quiz.index(topic.family) if entry.topic == topic.slug]:
            assert len(quiz.find(topic.slug).questions) == len(entries)


def test_a_missing_quiz_names_those_there_are(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(quiz, "_path", lambda family: family.path / f"{'quiz' * (family.slug != 'vla')}.yaml")
    with pytest.raises(UsageError, match="the quiz on vla is not written yet") as caught:
        quiz.find("vla")
    assert caught.value.hint == f"atlas quiz {SHIPPED[0].slug}"


def test_a_topic_without_a_question_leads_to_its_family(monkeypatch: pytest.MonkeyPatch):
    gan = quiz.load(catalog.resolve_family("gan"))
    others = tuple(question for question in gan.questions if question.topic != "sngan")
    monkeypatch.setattr(quiz, "load", lambda family: gan._replace(questions=others))
    with pytest.raises(UsageError, match="no question on sngan") as caught:
        quiz.find("sngan")
    assert caught.value.hint == "atlas quiz gan"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"choices": [{"say": "a", "why": "w"}, {"say": "b", "why": "w"}]}, "not one right answer"),
        ({"choices": [{"say": "a", "why": "w", "right": True}]}, "not one right answer"),
        ({"choices": [{"say": "a", "right": True}, {"say": "b", "why": "w"}]}, "why"),
        ({"kind": "recite"}, "predict or diagnose or choose"),
        ({"ask": None}, "'ask'"),
    ],
)
def test_a_broken_file_is_refused(tmp_path: Path, monkeypatch, change: dict, says: str):
    entry = {
        "topic": "gan", "kind": "predict", "ask": "?",
        "choices": [{"say": "a", "why": "w", "right": True}, {"say": "b", "why": "w"}],
    } | change  # fmt: skip
    entry = {key: value for key, value in entry.items() if value is not None}
    path = tmp_path / "quiz.yaml"
    path.write_text(yaml.safe_dump({"questions": [entry]}))
    monkeypatch.setattr(quiz, "_path", lambda family: path)
    with pytest.raises(DataError, match="quiz") as caught:
        quiz.load(catalog.resolve_family("gan"))
    assert says in caught.value.what
