"""What YAML texts hold: parsed once, kept on the shelf, and shipped for the atlas's own pages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from atlas_cli import catalog, documents, paths


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(documents._Memory, "known", None)
    monkeypatch.setattr(documents._Memory, "grew", False)
    documents._shipped.cache_clear()
    yield
    documents._shipped.cache_clear()


@pytest.fixture
def content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(paths, "content_dir", lambda: tmp_path)
    return tmp_path


def test_what_is_shipped_is_found_without_the_parser(content: Path, monkeypatch: pytest.MonkeyPatch):
    documents.ship(["a: [1, 2.5, null]\n", "b: {c: text}\n"])
    monkeypatch.setattr(documents, "_parsed", None)
    assert documents.parse("a: [1, 2.5, null]\n") == {"a": [1, 2.5, None]}
    assert documents.parse("b: {c: text}\n") == {"b": {"c": "text"}}


def test_a_text_that_has_changed_is_parsed(content: Path):
    documents.ship(["a: 1\n"])
    assert documents.parse("a: 2\n") == {"a": 2}


def test_what_json_cannot_hold_is_not_shipped(content: Path):
    documents.ship(["a: 2020-01-01\n", "b: 1\n"])
    assert list(json.loads(documents.shipped_file().read_text()).values()) == [{"b": 1}]


@pytest.mark.parametrize("text", ["", "[1]", '{"half":'])
def test_a_damaged_file_costs_only_time(content: Path, text: str):
    documents.shipped_file().write_text(text)
    assert documents.parse("a: 1\n") == {"a": 1}


def test_the_shipped_pages_hold_what_their_yaml_says():
    shipped = json.loads(documents.shipped_file().read_text())
    texts = [catalog.front_matter(page.read_text()) or "" for page in paths.content_dir().glob("*/*.md")]
    texts += [file.read_text() for file in paths.content_dir().rglob("*.yaml")]
    known = {documents.shelf.digest(text): yaml.safe_load(text) for text in texts}
    there = shipped.keys() & known.keys()
    assert len(there) > len(texts) / 2, "make frames"
    assert all(shipped[digest] == known[digest] for digest in there)
