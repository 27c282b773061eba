"""Run folders: made, found, described; metrics survive kills and resumes."""

from __future__ import annotations

import json
import math
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest

from atlas_cli import __version__, paths
from atlas_cli.errors import DataError, UsageError
from atlas_cli.runs.durable import write_json
from atlas_cli.runs.find import find_by_hash, find_run, list_runs, open_run
from atlas_cli.runs.folder import Base, RunFolder


def test_runs_are_numbered_per_recipe(tmp_path):
    root = tmp_path / "runs"
    made = [RunFolder.create(root, r).name for r in ("ddpm/small", "ddpm/small", "gan/small", "ddpm/small")]
    assert made == ["ddpm-small-1", "ddpm-small-2", "gan-small-1", "ddpm-small-3"]
    run = RunFolder(root / "ddpm-small-2")
    assert run.checkpoints.is_dir()
    assert run.samples.is_dir()


def test_a_recipe_whose_name_ends_like_a_number_does_not_confuse_the_count(tmp_path):
    assert [RunFolder.create(tmp_path, r).name for r in ("a/b-7", "a/b", "a/b-7")] == [
        "a-b-7-1",
        "a-b-1",
        "a-b-7-2",
    ]


@pytest.mark.parametrize("recipe", ["../../etc/x.yaml", "my recipes/é.yaml", "..", "C:\\x\\y.yaml", ""])
def test_the_path_of_a_users_recipe_never_leaves_the_root(tmp_path, recipe):
    run = RunFolder.create(tmp_path, recipe)
    assert run.path.resolve().parent == tmp_path
    assert run.info["recipe"] == recipe


def test_run_json_says_what_the_run_is(tmp_path):
    base = Base("ddpm-small-1", "ddpm/small", "12ab")
    run = RunFolder.create(tmp_path, "ddim/small", "abc", "data", {"parent": base})
    info = json.loads((run.path / "run.json").read_text())
    assert info.pop("started").endswith("+00:00")
    assert info == {
        "recipe": "ddim/small", "hash": "abc", "data": "data", "data_dir": None,
        "bases": {"parent": base._asdict()}, "tags": [], "changes": [],
    }  # fmt: skip
    assert RunFolder(run.path).bases == {"parent": base}


def test_open_by_name_path_and_latest(tmp_path):
    first, second = RunFolder.create(tmp_path, "z/small"), RunFolder.create(tmp_path, "a/small")
    assert open_run("z-small-1", tmp_path) == first
    assert open_run(str(second.path), tmp_path / "elsewhere") == second
    assert open_run("latest", tmp_path) == second
    assert list_runs(tmp_path) == [first, second]


def test_latest_is_by_start_and_not_by_name_or_file_time(tmp_path):
    run = RunFolder.create(tmp_path, "a/small")
    time.sleep(0.002)
    later = RunFolder.create(tmp_path, "b/small")
    run.write_recipe("system: a\n")
    assert open_run("latest", tmp_path) == later


def test_an_unknown_run_names_the_nearest(tmp_path):
    RunFolder.create(tmp_path, "ddpm/small")
    with pytest.raises(UsageError, match="ddpm-smal-1") as error:
        open_run("ddpm-smal-1", tmp_path)
    assert "did you mean ddpm-small-1" in error.value.hint
    with pytest.raises(UsageError) as error:
        open_run("qqq", tmp_path)
    assert "atlas run ls" in error.value.hint
    with pytest.raises(UsageError, match=r"has no run\.json"):
        open_run(str(tmp_path), tmp_path)


@pytest.mark.parametrize("ref", ["latest", "", "x"])
def test_without_runs_the_hint_is_to_train_one(tmp_path, ref):
    with pytest.raises(UsageError, match="holds no runs yet") as error:
        open_run(ref, tmp_path / "runs")
    assert "atlas train" in error.value.hint


def test_a_damaged_run_is_refused_by_name_and_does_not_hide_the_others(tmp_path):
    bad, good = RunFolder.create(tmp_path, "a/small"), RunFolder.create(tmp_path, "b/small")
    (bad.path / "run.json").write_text("{")
    (tmp_path / "notes").mkdir()
    assert list_runs(tmp_path) == [good]
    with pytest.raises(DataError, match=r"a-small-1.run\.json"):
        open_run("a-small-1", tmp_path)


def test_status(tmp_path):
    run = RunFolder.create(tmp_path, "ddpm/small")
    assert run.status == "interrupted"
    with run.lock():
        assert run.status == "running"
    assert run.status == "interrupted"
    run.write_result({"status": "failed"})
    assert run.status == "failed"
    run.write_result({"figures": {"loss": 0.1}})
    assert run.status == "complete"
    run.clear_result()
    assert run.status == "interrupted"
    (run.path / "result.json").write_text("{torn")
    assert run.status == "interrupted"


def test_a_run_is_found_by_recipe_and_data_complete_ones_first(tmp_path):
    known = ("x", "d"), ("x", "d"), ("y", "d"), ("x", "other"), ("x", "d")
    runs = [RunFolder.create(tmp_path, "ddpm/small", *both) for both in known]
    assert find_by_hash(tmp_path, "x", "d") == runs[4]  # begun, and the newest
    for run in runs[:4]:
        run.write_result({})
    assert find_by_hash(tmp_path, "x", "d") == runs[1]
    assert find_by_hash(tmp_path, "x", "other") == runs[3]
    runs[4].write_result({"status": "failed"})
    runs[1].remove()
    runs[0].remove()
    assert find_by_hash(tmp_path, "x", "d") is None
    assert find_by_hash(tmp_path, "z", "d") is None


def test_a_run_that_does_not_say_what_it_is_built_on_is_told_from_one_built_on_nothing(tmp_path):
    run = RunFolder.create(tmp_path, "ddpm/small")
    assert (run.bases, run.data) == ({}, "")
    info = json.loads((run.path / "run.json").read_text())
    write_json(run.path / "run.json", {name: info[name] for name in ("recipe", "hash", "started")})
    old = RunFolder(run.path)
    assert (old.bases, old.data) == (None, None)
    write_json(run.path / "run.json", info | {"bases": {"parent": {"run": "gpt-small-1"}}})
    with pytest.raises(DataError, match="does not name the weights"):
        assert RunFolder(run.path).bases


def test_a_run_that_trains_is_not_removed(tmp_path):
    run = RunFolder.create(tmp_path, "ddpm/small")
    with run.lock(), pytest.raises(UsageError, match="is being trained by"):
        run.remove()
    run.remove()
    assert list_runs(tmp_path) == []


def test_metrics_come_back_and_the_file_is_strict_json(tmp_path):
    run = RunFolder.create(tmp_path, "ddpm/small")
    assert run.read_metrics() == []
    run.append_metrics({"step": 1, "loss": 0.1 + 0.2})
    run.append_metrics({"step": 2, "loss": math.nan, "norm": math.inf})
    assert "NaN" not in (run.path / "metrics.jsonl").read_text()
    first, second = run.read_metrics()
    assert first == {"step": 1, "loss": 0.1 + 0.2}
    assert math.isnan(second["loss"])


def test_results_are_strict_json(tmp_path):
    run = RunFolder.create(tmp_path, "ddpm/small")
    run.write_result({"figures": {"loss": math.nan, "all": (1.0, -math.inf)}})
    assert json.loads((run.path / "result.json").read_text()) == {
        "figures": {"loss": None, "all": [1.0, None]}
    }


def test_the_recipe_and_the_environment_are_kept(tmp_path):
    run = RunFolder.create(tmp_path, "ddpm/small")
    run.write_recipe("about: Ziffern aus Rauschen – schön\n")
    assert run.recipe_text == "about: Ziffern aus Rauschen – schön\n"
    run.write_environment()
    environment = json.loads((run.path / "environment.json").read_text())
    assert environment["atlas"] == __version__
    assert environment["argv"] == sys.argv
    assert environment["cores"] >= 1
    assert environment["threads"] >= 1
    with pytest.raises(DataError, match=r"recipe\.yaml"):
        _ = RunFolder.create(tmp_path, "gan/small").recipe_text


def test_listing_runs_imports_neither_torch_nor_numpy(tmp_path):
    RunFolder.create(tmp_path, "ddpm/small")
    code = (
        "import sys; from pathlib import Path; from atlas_cli.runs.find import list_runs;"
        "print(list_runs(Path(sys.argv[1]))[0].status, {'torch', 'numpy', 'pydantic'} & sys.modules.keys())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "interrupted set()"


def test_an_ablation_is_resumed_by_the_run_it_lies_in(tmp_path):
    run = RunFolder.create(tmp_path, "ddpm/small")
    (run.path / "ablation").mkdir()
    assert run.resume_name == "ddpm-small-1"
    assert RunFolder(run.path / "ablation").resume_name == "ddpm-small-1"


def test_a_run_is_named_so_that_the_next_command_finds_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    usual, elsewhere = (RunFolder.create(Path(root), "ddpm/small") for root in ("runs", "my runs"))
    (elsewhere.path / "ablation").mkdir()
    assert usual.reference == "ddpm-small-1"
    for run in (elsewhere, RunFolder(elsewhere.path / "ablation")):
        assert run.reference == "'my runs/ddpm-small-1'"
    for run in (usual, elsewhere):
        (typed,) = shlex.split(run.reference)
        assert find_run(typed, paths.runs_dir()) == run
