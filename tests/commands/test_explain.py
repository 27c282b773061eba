"""`atlas explain`."""

from __future__ import annotations

import json

import pytest
import typer

from atlas_cli import catalog
from atlas_cli.commands.explain import explain
from atlas_cli.errors import UsageError


@pytest.fixture
def atlas(capsys: pytest.CaptureFixture[str]):
    """Runs `atlas explain ARGUMENTS` and returns stdout."""
    app = typer.Typer()
    app.command()(explain)

    def run(*arguments: str) -> str:
        typer.main.get_command(app).main(args=[*arguments], prog_name="explain", standalone_mode=False)
        return capsys.readouterr().out

    return run


def test_a_topic_has_its_title_facts_text_and_what_to_do_next(atlas):
    text = atlas("mamba")
    assert (
        text.index("Mamba")
        < text.index("Selective state-space model")
        < text.index("https://arxiv.org/abs/2312")
    )
    assert text.index("2312.00752") < text.index("atlas diagram mamba") < text.index("atlas explain ssm")


def test_a_topic_without_chapter_and_trainer_says_so(atlas):
    unwritten = [
        t for t in catalog.topics() if not catalog.recipes_of(t) and "## " not in t.path.read_text("utf-8")
    ]
    for topic in unwritten[:3]:
        text = " ".join(atlas(topic.slug).split())
        assert f"The chapter and the trainer of {topic.title} are not written yet. Meanwhile:" in text
        assert " ".join(topic.idea.split()) in text


def test_a_family_lists_its_topics(atlas):
    text = atlas("6")
    assert "family 6 of 12" in text
    for topic in catalog.resolve_family("gan").topics:
        assert topic.slug in text


def test_json_is_one_document_and_the_two_spellings_agree(atlas):
    document = json.loads(atlas("selective scan", "--json"))
    assert document["topic"] == "mamba"
    assert document == json.loads(atlas("mamba", "--format", "json"))


def test_json_and_another_format_contradict_each_other(atlas):
    with pytest.raises(UsageError, match="--json and --format html") as caught:
        atlas("mamba", "--json", "--format", "html")
    assert caught.value.hint == "leave one of them out"
    assert json.loads(atlas("mamba", "--json", "--format", "json"))["topic"] == "mamba"


def test_markdown_begins_with_the_title(atlas):
    assert atlas("rlhf", "--format", "markdown").startswith("# RLHF\n\n## Quick facts\n")


def test_one_section(atlas):
    with_chapter = next(t for t in catalog.topics() if "\n## " in t.path.read_text("utf-8"))
    titles = [s["title"] for s in json.loads(atlas(with_chapter.slug, "--json"))["sections"]]
    text = atlas(with_chapter.slug, "--section", titles[1][:-1].lower())
    assert titles[1] in text
    assert titles[2] not in text.splitlines()


def test_a_wrong_topic_gets_two_lines(atlas):
    with pytest.raises(UsageError) as caught:
        atlas("mambo")
    assert (caught.value.what, caught.value.hint.split("  ")[0]) == (
        "no topic or family is called 'mambo'", "did you mean: atlas explain mamba",
    )  # fmt: skip
