"""`run export --format run` and `run import`: what was trained elsewhere is a run like any other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from atlas_cli import catalog
from atlas_cli.learner import progress
from atlas_cli.runs import best
from atlas_cli.runs.folder import RunFolder
from tests.commands.house import CommandLine, made_run, verdict
from tests.commands.test_schema import check
from tests.engine.faults import state

FILE = "ddpm-smoke-1.atlas"


@pytest.fixture
def trained(atlas: CommandLine, at_common_home: None) -> CommandLine:
    """A few steps of ddpm/smoke in ./runs, and in FILE."""
    said = atlas("train", "ddpm/smoke", "--set", "train.steps=2", "--no-ablate", "-q")
    assert said.code == 0, said.err
    said = atlas("run", "export", "ddpm-smoke-1", "--format", "run")
    assert (said.code, said.out) == (0, f"{FILE}\n")
    assert "with the weights of steps 1 and 2; samples are left out" in said.err  # the best and the last
    assert said.err.splitlines()[-1] == f"next  atlas run import {FILE}  on the other machine"
    return atlas


def test_an_imported_run_is_shown_sampled_drawn_and_resumed(trained: CommandLine) -> None:
    known = progress.load()
    document = trained("run", "import", FILE, "--out", "taken", "--json").document
    check("run-import", document)
    assert document["missing"] == []
    assert progress.load() == known  # nothing was trained

    shown = trained("run", "show", "ddpm-smoke-1", "--out", "taken")
    assert "imported " in shown.out
    assert "trained elsewhere as ddpm-smoke-1" in shown.out
    assert document["hashes"]["weights"] in shown.out
    assert "imported" in trained("run", "ls", "--out", "taken").out
    assert "imported" not in trained("run", "ls").out
    for line in ("show ddpm-smoke-1", "show taken/ddpm-smoke-1"):
        check("run-show", trained("run", *line.split(), "--json").document)
    check("run-ls", trained("run", "ls", "--out", "taken", "--json").document)

    mine = trained("sample", "ddpm", "--seed", "3", "--count", "2", "--save", "a")
    theirs = trained("sample", "taken/ddpm-smoke-1", "--seed", "3", "--count", "2", "--save", "b")
    assert (mine.code, theirs.code) == (0, 0)
    (first,), (second,) = (sorted(Path(folder).glob("*.png")) for folder in "ab")
    assert first.read_bytes() == second.read_bytes()

    drawn = trained("diagram", "noise-path", "--run", "taken/ddpm-smoke-1", "--json")
    assert drawn.code == 0, drawn.err
    went_on = trained("train", "--resume", "taken/ddpm-smoke-1", "--set", "train.steps=4")
    assert went_on.code == 0, went_on.err
    assert "after step 2" in went_on.err
    run = RunFolder(Path("taken/ddpm-smoke-1"))
    assert (run.result or {})["steps"] == 4
    assert run.imported  # still


def test_what_is_imported_is_not_trained_here(atlas: CommandLine, tmp_path: Path) -> None:
    run = made_run(tmp_path / "runs", verdicts=[verdict()])
    topic = catalog.resolve("mamba")
    assert best.best_of(topic) is not None
    info = json.loads((run.path / "run.json").read_text())
    (run.path / "run.json").write_text(json.dumps({**info, "imported": {"name": "x", "at": "2026-01-31"}}))
    assert best.best_of(topic) is None
    (run.path / "run.json").write_text("{")
    assert best.best_of(topic) is not None  # it is known by its folder


def test_a_child_without_its_parent_is_taken_shown_and_not_sampled(
    atlas: CommandLine, at_common_home: None
) -> None:
    said = atlas("train", "kv-cache/smoke", "--no-ablate", "-q")
    assert said.code == 0, said.err
    child = atlas("run", "ls", "--json").document["runs"][-1]["name"]
    parent = atlas("run", "ls", "--json").document["runs"][0]["name"]
    said = atlas("run", "export", child, "--format", "run", "--save", "child.atlas")
    assert f"it is built on {parent}: hand that out as well" in said.err
    atlas("run", "export", parent, "--format", "run", "--save", "parent.atlas")

    said = atlas("run", "import", "child.atlas", "--out", "taken")
    assert said.code == 0
    assert f"it is built on {parent} (gpt/smoke, weights " in said.err
    assert "it can be shown and plotted, not sampled or resumed" in said.err
    assert said.err.splitlines()[-1] == f"next  atlas run show taken/{child}"
    document = atlas("run", "import", "child.atlas", "--out", "taken", "--force", "--json").document
    check("run-import", document)
    assert [base["run"] for base in document["missing"]] == [parent]
    assert atlas("run", "show", child, "--out", "taken").code == 0
    lost = atlas("sample", child, "--out", "taken")
    assert lost.code == 3
    assert child in lost.err
    assert parent in lost.err
    said = atlas("run", "import", "parent.atlas", "--out", "taken", "--name", "called-otherwise")
    assert said.code == 0
    assert atlas("sample", child, "--out", "taken").code == 0  # it is known by its weights


def test_a_recipe_that_this_atlas_does_not_have_is_refused(atlas: CommandLine, tmp_path: Path) -> None:
    from atlas_cli.runs import checkpoint

    run = made_run(tmp_path / "runs", verdicts=[verdict()])
    checkpoint.save(run.checkpoints, state(1))
    text = (run.path / "recipe.yaml").read_text().replace("d_state:", "d_statue:")
    (run.path / "recipe.yaml").write_text(text)
    assert atlas("run", "export", run.name, "--format", "run").code == 0
    said = atlas("run", "import", f"{run.name}.atlas", "--out", "taken")
    assert said.code == 3
    assert "this atlas cannot train the recipe of the run, mamba/induction" in said.err
    assert "use the version of atlas that trained it" in said.err
    assert not [*Path("taken").iterdir()]


def test_a_file_holds_one_run(atlas: CommandLine, tmp_path: Path) -> None:
    for _ in range(2):
        made_run(tmp_path / "runs")
    said = atlas("run", "export", "--format", "run")
    assert said.code == 2
    assert "a file holds one run, and there are 2" in said.err
    assert "atlas run export mamba-induction-2 --format run" in said.err
    said = atlas("run", "export", "latest", "--format", "run")  # without weights
    assert said.code == 3


@pytest.mark.parametrize(
    ("file", "code"), [("nothing.atlas", 2), ("text.atlas", 3), ("x" * 300, 2), (".", 3)]
)
def test_what_is_no_run_is_refused_with_a_hint(atlas: CommandLine, file: str, code: int) -> None:
    Path("text.atlas").write_text("hello")
    said = atlas("run", "import", file)
    assert said.code == code
    assert "hint   " in said.err
    assert len(said.err) < 500
    assert not Path("runs").exists()
