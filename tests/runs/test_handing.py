"""A run goes from hand to hand as one file, and comes back as it was."""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from atlas_cli.errors import AtlasError, DataError, EnvironmentFault, UsageError
from atlas_cli.runs import checkpoint, hashes
from atlas_cli.runs.folder import ABLATION, Base, RunFolder
from atlas_cli.runs.handing import pack
from atlas_cli.runs.taking import unpack
from tests.commands.house import made_run
from tests.engine.faults import posix

Entries = dict[str, bytes]


def anything(_: RunFolder) -> None:
    """Every recipe will do."""


# --- as it should be ---------------------------------------------------------------------------------


def test_a_run_comes_back_as_it_was_and_says_that_it_was_imported(
    run: RunFolder, file: Path, mine: Path
) -> None:
    taken = unpack(file, mine, anything)
    assert taken.path == mine / "mamba-induction-1"
    for name in ("recipe.yaml", "metrics.jsonl", "result.json"):
        assert (taken.path / name).read_bytes() == (run.path / name).read_bytes()
    assert hashes.of(taken) == hashes.of(run)
    assert all(hashes.of(run).values())
    assert checkpoint.newest_valid(taken.checkpoints)[0].name == "step-00000003"
    assert taken.status == "complete"
    assert taken.imported is not None
    assert taken.imported["name"] == "mamba-induction-1"
    assert run.imported is None
    assert sorted(path.name for path in mine.iterdir()) == ["mamba-induction-1"]  # nothing is left over


def test_weights_are_those_that_others_know_them_by(run: RunFolder) -> None:
    assert hashes.of(run)["weights"] == checkpoint.weights_hash(checkpoint.path_of(run.checkpoints, 3))
    weights = checkpoint.path_of(run.checkpoints, 3) / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    assert hashes.of(run)["weights"] is None  # a manifest alone says nothing of the weights


def test_the_file_holds_no_place_of_the_machine_and_no_clock(
    run: RunFolder, file: Path, tmp_path: Path
) -> None:
    data = file.read_bytes()
    assert b"/home/anna" not in data
    assert str(tmp_path).encode() not in data
    assert pack(run, tmp_path / "again.atlas").file.read_bytes() == data


def test_it_holds_json_text_and_safetensors_alone(file: Path) -> None:
    names = zipfile.ZipFile(file).namelist()
    assert {Path(name).suffix for name in names} == {".json", ".jsonl", ".yaml", ".safetensors"}


def test_of_the_checkpoints_those_are_packed_that_others_need(
    root: Path, run: RunFolder, tmp_path: Path
) -> None:
    assert pack(run, tmp_path / "a").steps == [3]
    checkpoint.update_best(run.checkpoints, 2, 0.1)
    assert pack(run, tmp_path / "a").steps == [2, 3]
    base = Base(run.name, "mamba/induction", checkpoint.weights_hash(checkpoint.path_of(run.checkpoints, 1)))
    RunFolder.create(root, "mamba/child", bases={"parent": base})
    assert pack(run, tmp_path / "a").steps == [1, 2, 3]


def test_the_curve_without_the_idea_comes_along(run: RunFolder, mine: Path, tmp_path: Path) -> None:
    inner = RunFolder(run.path / ABLATION)
    inner.path.mkdir()
    inner.append_metrics({"step": 1, "loss": 2.0})
    taken = unpack(pack(run, tmp_path / "a").file, mine, anything)
    assert RunFolder(taken.path / ABLATION).read_metrics() == [{"step": 1, "loss": 2.0}]


def test_a_run_that_trains_or_has_no_weights_is_not_handed_out(
    run: RunFolder, root: Path, tmp_path: Path
) -> None:
    with run.lock(), pytest.raises(UsageError, match="is being trained by"):
        pack(run, tmp_path / "a")
    with pytest.raises(DataError, match="no checkpoint"):
        pack(made_run(root), tmp_path / "a")
    with pytest.raises(EnvironmentFault, match="cannot write") as refused:
        pack(run, tmp_path / "no" / "such" / "a")
    assert "--save" in refused.value.hint
    assert not (tmp_path / "a").exists()
    assert not [*tmp_path.glob(".tmp-*")]


def test_a_damaged_newest_checkpoint_is_walked_past(run: RunFolder, tmp_path: Path) -> None:
    (checkpoint.path_of(run.checkpoints, 3) / "weights.safetensors").write_bytes(b"x")
    assert pack(run, tmp_path / "a").steps == [2]


# --- the disk ----------------------------------------------------------------------------------------


def test_a_file_that_is_not_there_or_none_is_said(tmp_path: Path, mine: Path) -> None:
    with pytest.raises(UsageError, match="there is no file"):
        unpack(tmp_path / "nothing.atlas", mine, anything)
    with pytest.raises(DataError, match="cannot be read"):
        unpack(tmp_path, mine, anything)


@posix
def test_a_pipe_is_not_waited_for(tmp_path: Path, mine: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match="no regular file"):
        unpack(tmp_path / "pipe", mine, anything)


def test_a_full_disk_is_said_and_leaves_nothing(
    file: Path, mine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = shutil._ntuple_diskusage(100, 90, 10)  # type: ignore[attr-defined]
    monkeypatch.setattr(shutil, "disk_usage", lambda _: full)
    with pytest.raises(EnvironmentFault, match="the disk is full"):
        unpack(file, mine, anything)
    assert not [*mine.iterdir()]


def test_a_failed_rename_brings_the_old_run_back(
    file: Path, mine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = unpack(file, mine, anything)
    (taken.path / "mine.txt").write_text("mine")
    real = os.replace

    def replace(source: Any, target: Any) -> None:
        if Path(target) == taken.path and Path(source).name != "before":
            raise OSError(5, "no")
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(AtlasError):
        unpack(file, mine, anything, force=True)
    assert (taken.path / "mine.txt").read_text() == "mine"
    assert [path.name for path in mine.iterdir()] == [taken.name]


def test_what_an_ended_import_left_is_taken_away_later(file: Path, mine: Path) -> None:
    def left(name: str, *inner: str) -> Iterator[Path]:
        path = mine / f".tmp-import-{name}"
        path.joinpath(*inner).mkdir(parents=True)
        os.utime(path, (0, 0))
        yield path

    (old,), (kept,) = [*left("1")], [*left("2", "before")]
    unpack(file, mine, anything)
    assert not old.exists()
    assert kept.exists()  # it may hold the run that was to be replaced
