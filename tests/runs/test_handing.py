"""A run goes from hand to hand as one file, and nothing in such a file is believed."""

from __future__ import annotations

import copy
import hashlib
import json
import os
import pickle
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from atlas_cli.errors import AtlasError, DataError, EnvironmentFault, UsageError
from atlas_cli.runs import checkpoint, hashes
from atlas_cli.runs.folder import ABLATION, Base, RunFolder
from atlas_cli.runs.handing import DIGITS, INDEX, pack
from atlas_cli.runs.taking import unpack
from tests.commands.house import made_run, verdict
from tests.engine.faults import posix, state

Entries = dict[str, bytes]


def anything(_: RunFolder) -> None:
    """Every recipe will do."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Runs of somebody else; the first has three checkpoints."""
    root = tmp_path / "theirs"
    run = made_run(root, verdicts=[verdict()])
    for step in (1, 2, 3):
        checkpoint.save(run.checkpoints, state(step))
    (run.path / "environment.json").write_text(json.dumps({"atlas": "0", "argv": ["/home/anna/bin/atlas"]}))
    document = json.loads((run.path / "run.json").read_text())
    (run.path / "run.json").write_text(json.dumps({**document, "data_dir": "/home/anna/data"}))
    (run.samples / "samples.png").write_bytes(b"png")
    return root


@pytest.fixture
def run(root: Path) -> RunFolder:
    return RunFolder(root / "mamba-induction-1")


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A folder of runs that is not made yet."""
    return tmp_path / "mine"


@pytest.fixture
def file(run: RunFolder, tmp_path: Path) -> Path:
    return pack(run, tmp_path / "run.atlas").file


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


# --- the name ----------------------------------------------------------------------------------------


def test_a_name_that_is_taken_needs_another_or_force(run: RunFolder, file: Path, mine: Path) -> None:
    unpack(file, mine, anything)
    with pytest.raises(UsageError, match="there is a run 'mamba-induction-1' in") as refused:
        unpack(file, mine, anything)
    assert refused.value.hint == "replace it: --force, or take another name: --name NEW"
    assert unpack(file, mine, anything, name="other").name == "other"
    (mine / "mamba-induction-1" / "mine.txt").write_text("mine")
    unpack(file, mine, anything, force=True)
    assert not (mine / "mamba-induction-1" / "mine.txt").exists()
    assert len([*mine.iterdir()]) == 2


def test_force_replaces_no_folder_that_is_no_run_and_none_that_trains(file: Path, mine: Path) -> None:
    (mine / "mamba-induction-1").mkdir(parents=True)
    with pytest.raises(UsageError, match="is no run"):
        unpack(file, mine, anything, force=True)
    taken = unpack(file, mine, anything, name="busy")
    with taken.lock(), pytest.raises(UsageError, match="is being trained by"):
        unpack(file, mine, anything, name="busy", force=True)


@pytest.mark.parametrize("name", ["../x", "a/b", "latest", ".hidden", "", "x" * 101])
def test_a_name_leads_nowhere_else(file: Path, mine: Path, name: str) -> None:
    with pytest.raises(UsageError):
        unpack(rewritten(file, index={"name": name}), mine, anything)
    if name:
        with pytest.raises(UsageError):
            unpack(file, mine, anything, name=name, force=True)
    assert not mine.exists() or not [*mine.iterdir()]


# --- what was changed --------------------------------------------------------------------------------


def test_any_changed_byte_is_found_before_anything_is_parsed(
    file: Path, mine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = file.read_bytes()
    monkeypatch.setattr(zipfile.ZipFile, "read", lambda *_: pytest.fail("it was parsed"))
    places = {*range(0, len(data), max(1, len(data) // 150)), *range(len(data) - DIGITS - 30, len(data))}
    for place in places:
        changed = bytearray(data)
        changed[place] ^= 1
        file.write_bytes(changed)
        with pytest.raises(DataError):
            unpack(file, mine, anything)
    assert not mine.exists()


@pytest.mark.parametrize("kept", [0, 3, 40, 500, -1, -DIGITS])
def test_a_file_that_was_cut_short_is_refused(file: Path, mine: Path, kept: int) -> None:
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(DataError):
        unpack(file, mine, anything)


def entries_of(file: Path) -> Entries:
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def sealed(file: Path) -> Path:
    """With the hash at its end that it needs, as somebody who means harm writes it."""
    data = file.read_bytes()
    file.write_bytes(data[:-DIGITS] + hashlib.sha256(data[:-DIGITS]).hexdigest().encode())
    return file


def rewritten(
    file: Path, change: Callable[[Entries], None] = lambda _: None, index: dict[str, Any] | None = None,
    facts: Callable[[zipfile.ZipInfo], None] = lambda _: None, listed: bool = True,
) -> Path:  # fmt: skip
    """The file with other entries and an index that agrees with them, sealed anew.

    Args:
        file: An exported run.
        change: Of the entries.
        index: Fields in place of the index's own.
        facts: Of each entry, as the zip holds them.
        listed: Whether the index names the entries as they are now.
    """
    entries = entries_of(file)
    head = json.loads(entries.pop(INDEX))
    change(entries)
    if listed:
        head["files"] = {
            name: {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            for name, data in entries.items()
        }
    head |= index or {}
    target = file.with_name("rewritten.atlas")
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in {INDEX: json.dumps(head).encode(), **entries}.items():
            fact = zipfile.ZipInfo(name)
            facts(fact)
            archive.writestr(fact, data)
        archive.comment = b"0" * DIGITS
    return sealed(target)


def added(name: str, data: bytes = b"x") -> Callable[[Entries], None]:
    return lambda entries: entries.update({name: data})


def test_a_file_that_is_only_rewritten_is_taken(file: Path, mine: Path) -> None:
    """So that the refusals below are for what was changed, and not for the rewriting."""
    assert unpack(rewritten(file), mine, anything).name == "mamba-induction-1"


@pytest.mark.parametrize(
    "name",
    ["../escaped.json", "/tmp/escaped.json", "checkpoints/../../escaped.json", "a\\..\\b.json", "C:/x.json",
     "checkpoints/step-00000003/../../run.json", "samples/x.png", "lock", "checkpoints/.hidden",
     "checkpoints/step-00000003/weights.safetensors/", "notes.txt", "evil.py", "./run.json", "RUN.JSON",
     "checkpoints/step-00000003/optimizer-../x.safetensors", "run.json\n"],
)  # fmt: skip
def test_a_place_that_no_run_has_is_refused(file: Path, mine: Path, tmp_path: Path, name: str) -> None:
    before = {path for path in tmp_path.rglob("*") if "rewritten" not in path.name}
    with pytest.raises(DataError):
        unpack(rewritten(file, added(name)), mine, anything)
    left = {path for path in tmp_path.rglob("*") if "rewritten" not in path.name} - before
    assert not {path for path in left if path.name != "mine"}


@pytest.mark.parametrize("name", ["data.pkl", "checkpoints/step-00000003/weights.pt", "x.pickle", "y.ckpt"])
def test_a_pickle_within_is_named_and_not_opened(file: Path, mine: Path, name: str) -> None:
    with pytest.raises(DataError, match="a pickle, which runs code when it is read; it was not opened"):
        unpack(rewritten(file, added(name, pickle.dumps(print))), mine, anything)


def test_a_pickle_in_place_of_the_file_is_not_opened(tmp_path: Path, mine: Path) -> None:
    import torch

    torch.save({"w": torch.zeros(1)}, tmp_path / "model.atlas")
    (tmp_path / "plain.atlas").write_bytes(pickle.dumps({"w": 1}))
    (tmp_path / "model.pt").write_bytes(b"PK\x03\x04")
    for name in ("model.atlas", "plain.atlas", "model.pt"):
        with pytest.raises(DataError, match="a pickle, which runs code when it is read; it was not opened"):
            unpack(tmp_path / name, mine, anything)


def _link(fact: zipfile.ZipInfo) -> None:
    fact.external_attr = 0o120777 << 16


def _packed(fact: zipfile.ZipInfo) -> None:
    fact.compress_type = zipfile.ZIP_DEFLATED


@pytest.mark.parametrize(("facts", "told"), [(_link, "a link or no file"), (_packed, "packed or locked")])
def test_links_and_packed_entries_are_not_unpacked(
    file: Path, mine: Path, facts: Callable[[zipfile.ZipInfo], None], told: str
) -> None:
    with pytest.raises(DataError, match=told):
        unpack(rewritten(file, facts=facts), mine, anything)


def test_a_zip_that_unpacks_to_more_than_it_holds_is_not_unpacked(file: Path, mine: Path) -> None:
    packed = rewritten(file, added("metrics.jsonl", b" " * 5_000_000), facts=_packed)
    with pytest.raises(DataError, match="packed or locked"):
        unpack(packed, mine, anything)
    with zipfile.ZipFile(file, "a") as archive:  # one piece of the file under many names
        largest = max(archive.infolist(), key=lambda entry: entry.file_size)
        for n in range(200):
            entry = copy.copy(largest)
            entry.filename = f"checkpoints/step-{n:08d}/state.json"
            archive.filelist.append(entry)
        archive.comment = b"0" * DIGITS
    with pytest.raises(DataError, match="unpacks to more than it holds"):
        unpack(sealed(file), mine, anything)


def test_sizes_have_a_bound(file: Path, mine: Path, monkeypatch: pytest.MonkeyPatch, run: RunFolder) -> None:
    entries = entries_of(file)
    size = sum(len(data) for name, data in entries.items() if name != INDEX)
    with monkeypatch.context() as patch:
        patch.setattr("atlas_cli.files.MOST_TEXT", 5)
        with pytest.raises(DataError, match="it was not read"):
            unpack(file, mine, anything)
    with monkeypatch.context() as patch:
        patch.setattr("atlas_cli.runs.taking.MOST", 100)
        with pytest.raises(DataError, match="and a run's file at most 100"):
            unpack(file, mine, anything)
    monkeypatch.setattr("atlas_cli.runs.handing.MOST", size - 1)
    with pytest.raises(UsageError, match="and a file at most"):
        pack(run, file)


def test_too_many_entries_are_refused(file: Path, mine: Path) -> None:
    def many(entries: Entries) -> None:
        entries |= {f"checkpoints/step-{n:08d}/state.json": b"{}" for n in range(4, 1100)}

    with pytest.raises(DataError, match="it was not unpacked"):
        unpack(rewritten(file, many), mine, anything)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_stands_twice_is_refused(file: Path, mine: Path) -> None:
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("run.json", "{}")
    with pytest.raises(DataError, match="does not hold the files of a run"):
        unpack(sealed(file), mine, anything)


@pytest.mark.parametrize(
    ("index", "told"),
    [
        ({"format": 2, "atlas": "9.9"}, "has the format 2, this atlas reads 1"),
        ({"format": None}, "format None"),
        ({"files": {}}, "does not hold the files"), ({"files": []}, "does not hold the files"),
        ({"files": 3}, "does not hold the files"), ({"name": 3}, "does not hold the files"),
    ],
)  # fmt: skip
def test_an_index_that_this_atlas_does_not_know_is_refused(
    file: Path, mine: Path, index: dict[str, Any], told: str
) -> None:
    with pytest.raises(DataError, match=told) as refused:
        unpack(rewritten(file, index=index), mine, anything)
    if index.get("atlas"):
        assert "9.9" in refused.value.hint


def test_an_entry_that_is_not_as_the_index_says_is_refused(file: Path, mine: Path) -> None:
    def other(entries: Entries) -> None:
        entries["result.json"] = entries["result.json"].replace(b"0.95", b"0.99")

    with pytest.raises(DataError, match=r"result\.json is not as it was written"):
        unpack(rewritten(file, other, listed=False), mine, anything)
    assert not [*mine.iterdir()]


def _without(name: str) -> Callable[[Entries], None]:
    return lambda entries: [entries.pop(key) for key in [*entries] if key.startswith(name)] and None


@pytest.mark.parametrize(
    "change",
    [
        _without("run.json"), _without("recipe.yaml"), _without("checkpoints"), added("run.json", b"{}"),
        added("run.json", b"["), added("run.json", b'{"recipe": 3, "bases": {}}'),
        added("metrics.jsonl", b"not json\n"), added("checkpoints/step-00000003/state.json", b"{}"),
        added("checkpoints/step-00000003/weights.safetensors", b"x"),
        added("checkpoints/step-00000009/manifest.json", b"{}"), added("checkpoints/best.json", b"["),
    ],
)  # fmt: skip
def test_what_is_no_run_is_refused_though_every_hash_fits(
    file: Path, mine: Path, change: Callable[[Entries], None]
) -> None:
    with pytest.raises(DataError):
        unpack(rewritten(file, change), mine, anything)
    assert not [*mine.iterdir()] if mine.exists() else True


def test_a_run_that_cannot_be_used_leaves_nothing(file: Path, mine: Path) -> None:
    def refuse(_: RunFolder) -> None:
        raise DataError("no such system", "")

    with pytest.raises(DataError, match="no such system"):
        unpack(file, mine, refuse)
    assert not [*mine.iterdir()]


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
