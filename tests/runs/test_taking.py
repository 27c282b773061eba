"""Nothing in a file that somebody hands out as a run is believed."""

from __future__ import annotations

import copy
import hashlib
import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from atlas_cli.errors import DataError, UsageError
from atlas_cli.runs.folder import RunFolder
from atlas_cli.runs.handing import DIGITS, INDEX, pack
from atlas_cli.runs.taking import unpack

Entries = dict[str, bytes]


def anything(_: RunFolder) -> None:
    """Every recipe will do."""


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
