"""The diagrams in the pages' text: shipped as they are drawn, drawn where something of them changed."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from atlas_cli import catalog
from atlas_cli.pages import compose, drawn, shipped
from atlas_cli.pages.source import read_page
from atlas_cli.screen.lines import Lines

MAMBA = catalog.resolve("mamba")
BLOCK = ("mamba-block", 78, True)


def seen(lines: Lines | None) -> list[tuple[str, str, list[tuple[int, int, str]]]]:
    """What a terminal shows of lines."""
    assert lines is not None
    return [
        (line.plain, str(line.style), [(s.start, s.end, str(s.style)) for s in line.spans]) for line in lines
    ]


@pytest.fixture
def content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of pages of the test's own."""
    mine = tmp_path / "content"
    shutil.copytree(drawn.paths.content_dir() / "ssm", mine / "ssm")
    monkeypatch.setattr("atlas_cli.paths.content_dir", lambda: mine)
    forget()
    yield mine
    forget()


def forget() -> None:
    for known in (drawn._shipped, drawn._digest, drawn._drawing):
        known.cache_clear()


@pytest.mark.parametrize("family", catalog.families(), ids=lambda family: family.slug)
def test_every_diagram_of_a_page_is_shipped_as_it_is_drawn(family: catalog.Family) -> None:
    subjects: list[catalog.Topic | catalog.Family] = [family, *family.topics]
    for subject in subjects:
        for name, width, colour, lines in shipped.drawings(read_page(subject)):
            ready = drawn.lines(subject, name, width, colour)
            assert ready is not None, f"{name} is not there, or out of date: make frames"
            assert seen(ready) == seen(lines), f"{name}: make frames"


def test_a_first_reading_draws_nothing() -> None:
    script = (
        "import sys; from atlas_cli import catalog; from atlas_cli.pages import source, compose;"
        "compose.compose(source.read_page(catalog.resolve('gpt')), 78);"
        "draws = ('atlas_cli.diagrams.frames', 'atlas_cli.diagrams.text');"
        "print([name for name in sys.modules if name.startswith(draws)])"
    )
    ran = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert ran.stdout.strip() == "[]"


@pytest.mark.parametrize("asked", [("mamba-block", 77, True), ("nobody", 78, True), ("mamba-blo", 78, True)])
def test_what_is_not_there_is_none(asked: tuple[str, int, bool]) -> None:
    assert drawn.lines(MAMBA, *BLOCK) is not None
    assert drawn.lines(MAMBA, *asked) is None


@pytest.mark.parametrize("changed", ["diagrams/mamba-block.yaml", "diagrams/mamba-block.data.json"])
def test_a_diagram_that_changed_is_drawn(content: Path, changed: str) -> None:
    assert drawn.lines(MAMBA, *BLOCK) is not None
    file = content / "ssm" / changed
    file.write_text(file.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    forget()
    assert drawn.lines(MAMBA, *BLOCK) is None
    assert drawn.lines(MAMBA, "scan-tree", 78, True) is not None  # it has no part in it


def test_what_draws_is_looked_at(content: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawn, "_DRAWING", drawn._DRAWING[1:])
    assert drawn.lines(MAMBA, *BLOCK) is None


@pytest.mark.parametrize("damage", ["", "[1]\n", "{}", None])
def test_a_damaged_file_costs_only_time(content: Path, damage: str | None) -> None:
    there = drawn.shipped_file("ssm", "mamba")
    if damage is None:
        there.unlink()
    else:
        begins = drawn._begins(*BLOCK)
        there.write_text(damage or begins + '"mark": "cut')
    assert drawn.lines(MAMBA, *BLOCK) is None
    assert compose._diagram(read_page(MAMBA), "mamba-block", 78)


def test_a_line_names_all_that_it_was_made_from() -> None:
    lines = drawn.shipped_file("ssm", "mamba").read_text(encoding="utf-8").splitlines()
    made_from = {held["name"]: held["made_from"] for held in map(json.loads, lines)}
    assert "content/ssm/diagrams/mamba-block.yaml" in made_from["mamba-block"]
    assert "content/ssm/pinned/gate.json" in made_from["gate"]
    assert {"explorables/ssm/cost.py", "explorables/ssm/cost.json"} <= set(made_from["cost"])
