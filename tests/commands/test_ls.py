"""`atlas ls` and the map."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import typer

from atlas_cli import catalog
from atlas_cli.commands import ls as command
from atlas_cli.diagrams import gallery
from atlas_cli.errors import UsageError


@pytest.fixture
def atlas(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Runs `atlas ls ARGUMENTS` in an empty folder and returns stdout."""
    monkeypatch.chdir(tmp_path)
    app = typer.Typer()
    app.command()(command.ls)

    def run(*arguments: str) -> str:
        typer.main.get_command(app).main(args=[*arguments], prog_name="ls", standalone_mode=False)
        return capsys.readouterr().out

    return run


def test_families_in_order(atlas):
    rows = [line for line in atlas().splitlines() if line[0].isdigit()]
    assert [row.split()[1] for row in rows] == [family.slug for family in catalog.families()]


def test_one_family_by_name_or_number(atlas):
    assert atlas("diffusion") == atlas("3")
    assert "ddpm" in atlas("3")
    assert "mamba" not in atlas("3")
    with pytest.raises(UsageError, match="no family is called 'difusion'") as caught:
        atlas("difusion")
    assert caught.value.hint.startswith("did you mean: atlas ls diffusion")


def test_the_tree_has_every_topic(atlas):
    words = set(re.sub("[○●✓✗]", " ", atlas("--tree")).split())
    assert words.issuperset(topic.slug for topic in catalog.topics())


def test_json_has_every_topic_with_its_recipes_and_runs(atlas, tmp_path: Path):
    (tmp_path / "runs" / "ddpm-small-1").mkdir(parents=True)
    (tmp_path / "runs" / "ddpm-small-1" / "run.json").touch()
    families = json.loads(atlas("--json"))["families"]
    assert [family["number"] for family in families] == list(range(1, 13))
    ddpm = next(t for family in families for t in family["topics"] if t["slug"] == "ddpm")
    assert ddpm["runs"] == ["ddpm-small-1"]
    assert "small" in ddpm["recipes"]


def finish(folder: Path, run: str, *passed: bool) -> None:
    """A run that ended with these verdicts."""
    path = folder / "runs" / run
    path.mkdir(parents=True)
    (path / "run.json").touch()
    (path / "result.json").write_text(json.dumps({"verdicts": [{"passed": held} for held in passed]}))


def test_marks_tell_what_trains_here_and_what_came_out(atlas, tmp_path: Path):
    assert "ddpm○" in atlas("diffusion")
    (tmp_path / "runs" / "ddpm-small-1").mkdir(parents=True)
    (tmp_path / "runs" / "ddpm-small-1" / "run.json").touch()  # begun, and not ended
    for run, passed, mark, told in (
        ("ddpm-smoke-1", (), "ddpm●", "trained: ddpm-smoke-1, not judged"),
        ("ddpm-small-2", (True, False), "ddpm✗", "trained: ddpm-small-2, not met: 1 of 2"),
        ("ddpm-small-3", (True, True), "ddpm✓", "trained: ddpm-small-3, claims met: 2 of 2"),
        ("ddpm-small-4", (False,), "ddpm✓", "trained: ddpm-small-3, claims met: 2 of 2"),
    ):
        finish(tmp_path, run, *passed)
        shown = " ".join(atlas("diffusion").split())
        assert mark in shown
        assert told in shown
    ddpm = json.loads(atlas("diffusion", "--json"))["families"][0]["topics"][0]
    assert (ddpm["slug"], ddpm["verdict"]) == ("ddpm", "claims met")
    (tmp_path / "runs" / "ddpm-small-3" / "result.json").write_text('{"verd')
    assert "ddpm✗" in atlas("diffusion")


def test_the_tree_and_the_map_count_the_diagrams(atlas):
    n = sum(len(gallery.diagrams_of(family)) for family in catalog.families())
    counts = f"{len(catalog.topics())} topics, {n} diagrams"
    assert counts in atlas("--tree")
    assert counts in " ".join(line.plain for line in command.render_map(100))
    assert "diagrams: training-step, noise-path" in atlas("diffusion")


def test_the_map_imports_no_torch(tmp_path: Path):
    finish(tmp_path, "ddpm-small-1", True)
    script = (
        "import sys; from atlas_cli.commands import ls; lines = ls.render_map(100);"
        "assert any('ddpm✓' in line.plain for line in lines);"
        "assert not {'torch', 'numpy', 'pydantic'} & sys.modules.keys()"
    )
    package = Path(command.__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(package)}
    subprocess.run([sys.executable, "-c", script], check=True, cwd=tmp_path, env=environment)


@pytest.mark.parametrize("width", [40, 80, 140])
def test_the_map_has_all_families_and_topics_and_fits(width: int):
    lines = [line.plain for line in command.render_map(width)]
    text = " ".join(lines)
    assert max(map(len, lines)) <= width
    assert all(topic.slug in text for topic in catalog.topics())
    assert all(suggestion.topic in text for suggestion in catalog.first())
    if width == 80:
        assert len(lines) <= 25


def test_the_map_in_the_readme_is_the_map_of_today(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)  # where nothing was trained
    picture = ET.parse(Path(command.__file__).parents[2] / "docs" / "pictures" / "map.svg")
    rows: dict[float, list[tuple[float, str]]] = {}
    for node in picture.iter("{http://www.w3.org/2000/svg}text"):
        if node.get("clip-path"):  # the title of the window has none
            rows.setdefault(float(node.get("y", 0)), []).append((float(node.get("x", 0)), node.text or ""))
    drawn = ["".join(text for _, text in sorted(rows[y])) for y in sorted(rows)]
    lines = [re.sub(r"\s", "", line.plain) for line in command.render_map(94)]
    assert [flat for text in drawn if (flat := re.sub(r"\s", "", text))] == [line for line in lines if line]
