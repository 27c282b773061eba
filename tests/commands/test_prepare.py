"""`atlas prepare`: what a class needs is made once, in the order in which one needs the other."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from atlas_cli import paths
from atlas_cli.commands import _lab
from atlas_cli.commands._training import Place
from atlas_cli.errors import InterruptedRun
from atlas_cli.metrics import judge
from atlas_cli.recipe import recipes
from tests.commands.house import CommandLine, Said, without_recipes
from tests.commands.test_schema import check

#: Few strokes, which are drawn and judged.
OWN = """
system: ddpm
base: ddpm/smoke
data: {name: strokes, n_train: 40, n_test: 20}
expect: {class_accuracy: {min: 0.9}}
"""
PARENT = "kv-cache/smoke"  # builds on gpt/smoke, which trains in a second


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A recipe whose judge learns nothing, at once."""
    monkeypatch.setattr(judge, "_train", lambda *_: None)
    (tmp_path / "own.yaml").write_text(OWN)
    return "own.yaml"


def statuses(said: Said) -> dict[str, str]:
    """ "judge strokes" -> "made"."""
    document = said.document
    check("prepare", document)
    return {f"{thing['kind']} {thing['name']}": thing["status"] for thing in document["things"]}


def made_files(folder: Path) -> set[str]:
    """All below a folder, but for what every command keeps to start sooner."""
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    return {path for path in found if not path.startswith("home/shelf/")}


@pytest.fixture
def nothing_shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Diagrams as those are whose first frame is not shipped, as that of a heavy one is not."""
    monkeypatch.setattr("atlas_cli.diagrams.shipped.frame", lambda *_: None)
    without_recipes(monkeypatch, "stylegan")


@pytest.mark.usefixtures("nothing_shipped")
def test_what_is_missing_is_listed_then_made_then_there(
    atlas: CommandLine,
    own: str,
    tmp_path: Path,
) -> None:
    before = made_files(tmp_path)
    listed = atlas("prepare", own, PARENT, "stylegan", "--dry-run", "--json")
    assert listed.document["ready"] is False
    every = {"data strokes", "judge strokes", "parent gpt/smoke", "frames truncation"}
    pinned = {"frames style-mixing": "there"}
    assert statuses(listed) == pinned | dict.fromkeys(every, "missing")
    assert made_files(tmp_path) == before

    made = atlas("prepare", own, PARENT, "stylegan", "--json")
    assert made.document["ready"] is True
    assert statuses(made) == pinned | dict.fromkeys(every, "made")
    assert all(thing["seconds"] >= 0 for thing in made.document["things"] if thing["name"] != "style-mixing")

    after = made_files(tmp_path)
    again = atlas("prepare", own, PARENT, "stylegan", "--json")
    assert statuses(again) == pinned | dict.fromkeys(every, "there")
    assert made_files(tmp_path) == after


def test_what_was_made_is_what_a_training_and_a_diagram_look_for(
    atlas: CommandLine,
    own: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    atlas("prepare", own, PARENT, "stylegan")

    def forbidden(*_: Any) -> Any:
        raise AssertionError("it was made before")

    monkeypatch.setattr(judge, "_train", forbidden)
    monkeypatch.setattr("atlas_cli.data.strokes.draw", forbidden)
    monkeypatch.setattr("atlas_cli.diagrams.frames.Explorable.frame", forbidden)
    lab = _lab.Lab(Place(Path("runs")))
    source = lab.source(recipes.resolve(own))
    assert source is not None
    judge.Judge.load_or_train(source)
    assert atlas("diagram", "fsq", "fsq").code == 0
    told = atlas("train", PARENT, "--dry-run", "--json").document
    assert told["estimate"]["parents"] == {"gpt/smoke": 0.0}


def test_lines_say_what_it_does_and_what_comes_next(atlas: CommandLine, own: str) -> None:
    listed = atlas("prepare", own, "--dry-run")
    assert listed.out.splitlines() == [
        "missing  data    strokes               about 0:05   for own.yaml",
        "missing  judge   strokes               about 0:30   for own.yaml",
        "2 of 2 are missing: about 0:35",
    ]
    assert listed.err.splitlines() == ["next  atlas prepare own.yaml"]
    made = atlas("prepare", own)
    assert [line.split()[:3] for line in made.out.splitlines()] == [
        ["made", "data", "strokes"], ["made", "judge", "strokes"], ["all", "2", "are"]
    ]  # fmt: skip
    assert made.err.splitlines()[-1] == "next  atlas doctor --class own.yaml"


def test_a_parent_that_was_begun_goes_on(atlas: CommandLine) -> None:
    atlas("prepare", PARENT)
    (run,) = Path("runs").iterdir()
    (run / "result.json").unlink()  # as one that was stopped
    assert statuses(atlas("prepare", PARENT, "--dry-run", "--json")) == {"parent gpt/smoke": "missing"}
    assert statuses(atlas("prepare", PARENT, "--json")) == {"parent gpt/smoke": "made"}
    assert [*Path("runs").iterdir()] == [run]


def test_an_interruption_is_answered_with_the_command_that_was_typed(
    atlas: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def stopped(*_: Any) -> None:
        raise InterruptedRun("stopped after step 3", "atlas train --resume gpt-smoke-1", 130)

    monkeypatch.setattr("atlas_cli.engine.trainer.trained_parent", stopped)
    said = atlas("prepare", PARENT)
    assert said.code == 130
    assert said.err.splitlines()[-1] == f"hint   go on with: atlas prepare {PARENT}"


def test_what_must_be_downloaded_is_left_out_unless_it_is_named(atlas: CommandLine) -> None:
    left = atlas("prepare", "ddpm", "--dry-run", "--json").document["left_out"]
    assert {entry["recipe"] for entry in left} == {"ddpm/mnist", "ddpm/full"}
    said = atlas("prepare", "ddpm/mnist", "--offline")
    assert said.code == 4
    assert "--offline forbids a download" in said.err


def test_a_family_needs_the_data_judges_and_parents_of_its_recipes(atlas: CommandLine) -> None:
    told = atlas("prepare", "diffusion", "--dry-run", "--json").document
    things = {(thing["kind"], thing["name"]): thing for thing in told["things"]}
    assert {"cfg/small", "controlnet/small"} <= set(things["parent", "ddpm/wide"]["used_by"])
    assert things["parent", "ddpm/wide"]["expected_seconds"] > 60
    assert things["judge", "digits"]["used_by"] == ["ddpm/ci"]
    assert ("frames", "noising") in things
    assert [*dict.fromkeys(kind for kind, _ in things)] == ["data", "judge", "parent", "frames"]


@pytest.mark.usefixtures("nothing_shipped")
def test_every_position_of_every_knob_can_be_asked_for(atlas: CommandLine) -> None:
    frames = paths.cache_dir() / "frames"
    atlas("prepare", "stylegan")
    assert len([*frames.iterdir()]) == 1
    assert (
        statuses(atlas("prepare", "stylegan", "--knobs", "--dry-run", "--json"))["frames truncation"]
        == "missing"
    )
    atlas("prepare", "stylegan", "--knobs")
    assert len([*frames.iterdir()]) > 5
    listed = atlas("prepare", "stylegan", "--knobs", "--dry-run", "--json")
    assert statuses(listed)["frames truncation"] == "there"


def test_parents_are_trained_in_the_number_format_of_the_machines_that_they_are_for() -> None:
    recipe = recipes.resolve(PARENT)
    hashes = {
        name: _lab.Lab(Place(Path("runs")), name)._settled(recipe).parents["parent"].hash
        for name in ("fp32", "bf16")
    }
    assert hashes["fp32"] != hashes["bf16"]


def test_wrong_names_and_formats_are_refused(atlas: CommandLine) -> None:
    said = atlas("prepare", "diffusoin")
    assert (said.code, "atlas prepare diffusion" in said.err) == (2, True)
    assert atlas("prepare", "fsq", "--precision", "fp8").code == 2
    assert "nothing to prepare" in atlas("prepare", "mamba/smoke").out


def test_neither_help_nor_a_list_of_diagrams_imports_torch(tmp_path: Path) -> None:
    program = (
        "import sys; from atlas_cli import app, catalog\n"
        "catalog.recipes_of = lambda topic: ()\n"
        "for line in (['prepare', '--help'], ['prepare', 'stylegan', '--dry-run']):\n"
        "    assert app._run(line) == 0\n"
        "    assert 'torch' not in sys.modules, line\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True, capture_output=True)
