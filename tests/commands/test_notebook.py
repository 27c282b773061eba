"""`atlas notebook` as it is typed."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from atlas_cli.diagrams.web import page as web_page
from tests.commands.house import CommandLine
from tests.commands.test_schema import check


@pytest.fixture(autouse=True)
def _blank_pages(monkeypatch: pytest.MonkeyPatch, at_common_home: None) -> None:
    """What the diagrams show is no matter here, and takes a while."""
    monkeypatch.setattr(web_page, "page", lambda shown, *given, **more: f"<!doctype html>{shown.title}")


def test_it_writes_the_notebook_of_a_topic_and_leads_on(atlas: CommandLine, tmp_path: Path) -> None:
    told = atlas("notebook", "rope")
    assert (told.code, told.out) == (0, "rope.ipynb\n")
    assert "it trains rope/small" in told.err
    assert "next  jupyter lab rope.ipynb" in told.err
    made = nbformat.read(tmp_path / "rope.ipynb", 4)
    assert made.cells[0].source.startswith("# ")


def test_its_document(atlas: CommandLine, tmp_path: Path) -> None:
    told = atlas("notebook", "rotary position embedding", "-r", "smoke", "-o", "mine.ipynb", "--json")
    check("notebook", told.document)
    made = nbformat.read(tmp_path / "mine.ipynb", 4)
    size = (tmp_path / "mine.ipynb").stat().st_size
    assert told.document == {
        "topic": "rope", "file": "mine.ipynb", "recipe": "rope/smoke", "cells": len(made.cells),
        "bytes": size,
    }  # fmt: skip
    assert any(cell.source.startswith('result = api.train("rope/smoke")') for cell in made.cells)


def test_a_file_that_is_there_stays_unless_it_is_to_be_replaced(atlas: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "rope.ipynb"
    file.write_text("my own work")
    told = atlas("notebook", "rope")
    assert told.code == 2
    assert "rope.ipynb exists already" in told.err
    assert "--force" in told.err
    assert file.read_text() == "my own work"
    assert atlas("notebook", "rope", "--force").code == 0
    first = file.read_bytes()
    assert atlas("notebook", "rope", "--force").code == 0
    assert file.read_bytes() == first
    assert list(tmp_path.glob("*.tmp")) == []


@pytest.mark.parametrize(
    ("line", "code", "what", "hint"),
    [
        ("llava", 2, "the chapter on llava is not written yet", "atlas notebook gpt"),
        ("diffusion", 2, "diffusion is a family of topics", "atlas notebook ddpm"),
        ("rop", 2, "rop", "atlas notebook rope"),
        ("rope -r smal", 2, "rope has no recipe 'smal'", "rope/small"),
        ("rope -r ddpm/small", 2, "'ddpm/small' is no recipe of rope", "atlas recipe ls rope"),
        ("rope -r mine.yaml", 2, "'mine.yaml' is no recipe of rope", "atlas recipe ls rope"),
        ("rope -o rope", 2, "rope does not end in .ipynb", "atlas notebook rope --out rope.ipynb"),
        ("rope -o a.ipynb", 2, "a.ipynb is a folder", "name a file"),
        ("rope -o none/rope.ipynb", 4, "there is no folder none", "mkdir -p none"),
    ],
)  # fmt: skip
def test_what_cannot_be_written_is_said(
    atlas: CommandLine, tmp_path: Path, line: str, code: int, what: str, hint: str
) -> None:
    (tmp_path / "a.ipynb").mkdir()
    told = atlas("notebook", *line.split())
    assert told.code == code
    assert what in told.err
    assert hint in told.err
    check("error", atlas("notebook", *line.split(), "--json").document)


def test_a_full_disk_leaves_no_piece_of_it(
    atlas: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: str, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("atlas_cli.files.put", full)
    told = atlas("notebook", "rope")
    assert told.code == 4
    assert "cannot write rope.ipynb: No space left on device" in told.err
    assert list(tmp_path.glob("*.ipynb*")) == []


def test_without_the_package_that_makes_it_the_mend_is_said(
    atlas: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "nbformat", None)
    told = atlas("notebook", "rope")
    assert told.code == 4
    assert "pip install nbformat" in told.err
