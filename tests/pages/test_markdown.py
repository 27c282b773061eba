"""The trees of the pages' Markdown: shipped as they are parsed, parsed where a text changed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from atlas_cli import catalog, shelf
from atlas_cli.pages import markdown, shipped
from atlas_cli.pages.source import read_page

EVERY = list(shipped.subjects())
TEXT = read_page(catalog.resolve("gpt")).opening
MINE = "What *it* does\n\n- `one` $x^2$\n\n|a|b|\n|:-|-:|\n|1|2|\n"


def flat(node: markdown.Node) -> list:
    """All that a node holds."""
    inner = [flat(child) for child in node.children]
    return [node.type, node.content, node.tag, node.info, node.hidden, node.attrs, inner]


@pytest.fixture
def content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of pages of the test's own, in which gpt's trees lie."""
    there = markdown.shipped_file("transformer", "gpt")
    mine = tmp_path / "content"
    (mine / "transformer" / "parsed").mkdir(parents=True)
    shutil.copy(there, mine / "transformer" / "parsed")
    monkeypatch.setattr("atlas_cli.paths.content_dir", lambda: mine)
    markdown._shipped.cache_clear()
    yield mine
    markdown._shipped.cache_clear()


@pytest.mark.parametrize("subject", EVERY, ids=lambda subject: f"{type(subject).__name__}-{subject.slug}")
def test_every_page_s_trees_are_shipped_as_they_are_parsed(subject):
    page = read_page(subject)
    there = json.loads(markdown.shipped_file(page.family.slug, subject.slug).read_text(encoding="utf-8"))
    for text in shipped.texts(page):
        assert there.get(shelf.digest(text)) == markdown.parsed(text), "make frames"


def test_a_tree_is_the_parser_s():
    paragraph, bullets, table = markdown.tree(MINE)
    assert [child.type for child in paragraph.children[0].children] == ["text", "em", "text"]
    assert paragraph.children[0].content == "What *it* does"
    assert bullets.children[0].children[0].hidden
    assert bullets.children[0].children[0].children[0].children[-1].content == "x^2"
    assert [cell.attrs["style"] for cell in table.children[0].children[0].children] == [
        "text-align:left",
        "text-align:right",
    ]
    (heading,) = markdown.tree("## Title\n")
    (fence,) = markdown.tree("```python\n1\n```\n")
    assert (heading.tag, fence.info, fence.content) == ("h2", "python", "1\n")


def test_what_is_shipped_is_not_parsed_and_what_changed_is(content: Path, monkeypatch: pytest.MonkeyPatch):
    text = TEXT
    parsed, asked = markdown.parsed, []
    monkeypatch.setattr(markdown, "parsed", lambda text: asked.append(text) or parsed(text))
    ready = markdown.tree(text, "transformer", "gpt")
    assert not asked
    assert list(map(flat, ready)) == list(map(flat, markdown.tree(text)))
    markdown.tree(text + " more", "transformer", "gpt")
    markdown.tree(text, "transformer", "nobody")
    assert asked == [text, text + " more", text]


@pytest.mark.parametrize("damage", ["", "[1]", '{"half":'])
def test_a_damaged_file_costs_only_time(content: Path, damage: str):
    markdown.shipped_file("transformer", "gpt").write_text(damage)
    assert list(map(flat, markdown.tree(MINE, "transformer", "gpt"))) == list(map(flat, markdown.tree(MINE)))


def test_a_family_and_its_topic_of_one_name_share_a_file():
    there = json.loads(markdown.shipped_file("gan", "gan").read_text(encoding="utf-8"))
    for subject in (catalog.resolve_family("gan"), catalog.resolve("gan")):
        assert {shelf.digest(text) for text in shipped.texts(read_page(subject))} <= there.keys()
