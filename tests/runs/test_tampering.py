"""A checkpoint that is not as it was written, or was never one, is refused unread and named."""

from __future__ import annotations

import json
import math
import os
import pickle
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from atlas_cli.errors import DataError
from atlas_cli.runs import checkpoint
from atlas_cli.runs.checkpoint import load, newest_valid, save
from tests.engine.faults import posix, state

# --- rows 2, 3, 4: incomplete, empty, altered --------------------------------------------------------


def test_an_incomplete_newest_checkpoint_is_walked_past_and_said(tmp_path):
    for step in (1, 2, 3, 4):
        save(tmp_path, state(step))
    (tmp_path / "step-00000004" / "manifest.json").unlink()
    (tmp_path / "step-00000003" / "optimizer-main.safetensors").unlink()
    path, skipped = newest_valid(tmp_path)
    assert path.name == "step-00000002"
    assert load(path).weights["w"][0] == 2
    assert len(skipped) == 2
    assert "step-00000004" in skipped[0]
    assert "manifest.json" in skipped[0]
    assert "optimizer-main.safetensors is missing" in skipped[1]


def test_when_none_is_good_every_reason_is_given(tmp_path):
    for step in (1, 2):
        (save(tmp_path, state(step)) / "manifest.json").write_text("{")
    with pytest.raises(DataError, match="no good checkpoint") as error:
        newest_valid(tmp_path)
    assert len(error.value.details) == 2


FILES = [
    "weights.safetensors",
    "rng.safetensors",
    "optimizer-main.safetensors",
    "state.json",
    "manifest.json",
]


@pytest.mark.parametrize("name", FILES)
def test_an_empty_file_is_invalid(tmp_path, name):
    path = save(tmp_path, state(1))
    (path / name).write_bytes(b"")
    with pytest.raises(DataError, match=name) as error:
        load(path)
    assert error.value.code == 3


def test_an_empty_file_is_invalid_even_if_the_manifest_says_so(tmp_path):
    path = save(tmp_path, state(1))
    (path / "rng.safetensors").write_bytes(b"")
    manifest = json.loads((path / "manifest.json").read_text())
    manifest["files"]["rng.safetensors"] = {"size": 0, "sha256": "e3b0c44298fc1c149afbf4c8996fb924"}
    (path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(DataError, match=r"rng\.safetensors is empty"):
        load(path)


def test_every_file_and_folder_is_synced_before_the_name_and_the_name_after(tmp_path, monkeypatch):
    events = []
    real_fsync, real_replace = os.fsync, os.replace

    def fsync(descriptor):
        events.append(os.fstat(descriptor).st_ino)
        real_fsync(descriptor)

    def replace(source, target):
        events.append("rename")
        real_replace(source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    path = save(tmp_path, state(1))
    at = events.index("rename")
    files = {file.stat().st_ino for file in path.iterdir()}
    folder = [path.stat().st_ino] if os.name != "nt" else []
    assert set(events[:at]) == files | set(folder)
    assert events[at - len(folder) - 1] == (path / "manifest.json").stat().st_ino  # the last file
    assert events[at + 1 :] == ([tmp_path.stat().st_ino] if folder else [])


@pytest.mark.parametrize("name", FILES[:4])
def test_one_flipped_bit_is_found_and_the_file_named(tmp_path, name):
    path = save(tmp_path, state(1))
    data = bytearray((path / name).read_bytes())
    data[-2] ^= 0b100  # within the last number of the tensor data
    (path / name).write_bytes(data)
    with pytest.raises(DataError, match=rf"{name} is not as it was written") as error:
        load(path)
    assert error.value.code == 3


def test_safetensors_alone_would_not_notice_the_bit(tmp_path):
    from safetensors.torch import load_file

    file = save(tmp_path, state(1)) / "weights.safetensors"
    data = bytearray(file.read_bytes())
    data[-2] ^= 0b100
    file.write_bytes(data)
    assert not torch.equal(load_file(file)["w"], state(1).weights["w"])


@pytest.mark.parametrize("cut", [1, 100])
def test_a_cut_file_is_named_with_its_size(tmp_path, cut):
    path = save(tmp_path, state(1))
    file = path / "weights.safetensors"
    file.write_bytes(file.read_bytes()[:-cut])
    with pytest.raises(DataError, match=r"weights\.safetensors has .* bytes and was written with"):
        load(path)


def test_a_newer_format_is_refused(tmp_path):
    path = save(tmp_path, state(1))
    manifest = json.loads((path / "manifest.json").read_text())
    (path / "manifest.json").write_text(json.dumps(manifest | {"format": 2}))
    with pytest.raises(DataError, match="format 2"):
        load(path)


# --- row 21: pickles, paths, links -------------------------------------------------------------------


class Bomb:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return (Path.touch, (self.mark,))


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".pkl", ".bin", ".ckpt"])
@pytest.mark.parametrize("inside", [False, True])
def test_a_pickle_is_refused_unread(tmp_path, suffix, inside):
    bomb = pickle.dumps(Bomb(tmp_path / "exploded"))
    path = save(tmp_path, state(1))
    if inside:
        (path / f"weights{suffix}").write_bytes(bomb)
    else:
        path = tmp_path / f"model{suffix}"
        path.write_bytes(bomb)
    with pytest.raises(DataError, match=rf"{suffix} is a pickle.*not opened") as error:
        load(path)
    assert error.value.code == 3
    assert not (tmp_path / "exploded").exists()


def test_a_pickle_under_a_good_name_is_refused_unread(tmp_path):
    path = save(tmp_path, state(1))
    bomb = pickle.dumps(Bomb(tmp_path / "exploded"))
    rename_in_manifest(path, "weights.safetensors", "weights.safetensors", bomb)
    with pytest.raises(DataError, match=r"weights\.safetensors cannot be read"):
        load(path)
    assert not (tmp_path / "exploded").exists()


def rename_in_manifest(path: Path, name: str, new: str, data: bytes | None = None) -> None:
    """Forge a manifest that names `new` in place of `name`, with the right hash."""
    import hashlib

    manifest = json.loads((path / "manifest.json").read_text())
    entry = manifest["files"].pop(name)
    if data is not None:
        (path / name).write_bytes(data)
        entry = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    manifest["files"][new] = entry
    (path / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    "name",
    [
        "../../x", "../weights.safetensors", "/etc/passwd", "a/b", "..", "", "C:\\x", "..\\x", "x.pt",
        "weights.bin", "optimizer-../x.safetensors", "state.json\n", "WEIGHTS.safetensors", ".hidden",
    ],
)  # fmt: skip
def test_a_manifest_that_names_another_place_is_refused_unread(tmp_path, name, monkeypatch):
    path = save(tmp_path, state(1))
    rename_in_manifest(path, "optimizer-main.safetensors", name)
    opened = []
    real = checkpoint.opened
    monkeypatch.setattr(checkpoint, "opened", lambda file: opened.append(file) or real(file))
    with pytest.raises(DataError, match=r"manifest\.json names .*not opened") as error:
        load(path)
    assert repr(name) in error.value.what
    assert (error.value.code, opened) == (3, [])


@posix
@pytest.mark.parametrize("name", FILES)
def test_a_link_in_place_of_a_file_is_not_followed(tmp_path, name):
    path = save(tmp_path, state(1))
    (path / name).rename(tmp_path / "elsewhere")
    (path / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DataError, match=rf"{name} is a link"):
        load(path)


def test_a_file_that_the_manifest_does_not_name_is_refused(tmp_path):
    path = save(tmp_path, state(1))
    (path / ".DS_Store").write_bytes(b"a file manager looked here")
    load(path)
    (path / "extra.safetensors").write_bytes(b"x")
    with pytest.raises(DataError, match=r"extra\.safetensors is not named in the manifest"):
        load(path)


@pytest.mark.parametrize(
    "document",
    [
        {}, [], {"step": "x"}, {"tensors": 3}, {"tensors": {"../x": {}}},
        {"tensors": {"weights": {"w": [10**15]}}},
        {"tensors": {"weights": {"w": None, "v": None}}}, {"optimizers": {"main": {"$tensor": "nowhere"}}},
        {"info": {"$eval": "1"}}, {"info": {"$dict": 1}},
    ],
)  # fmt: skip
def test_a_forged_state_is_refused(tmp_path, document):
    path = save(tmp_path, state(1))
    given = json.loads((path / "state.json").read_text())
    if isinstance(document, dict) and document:
        for key, value in document.items():
            merged = isinstance(value, dict) and isinstance(given[key], dict) and key != "info"
            given[key] = given[key] | value if merged else value
        document = given
    rename_in_manifest(path, "state.json", "state.json", json.dumps(document).encode())
    with pytest.raises(DataError) as error:
        load(path)
    assert error.value.code == 3


@pytest.mark.parametrize("what", ["missing", "file.txt"])
def test_what_is_no_folder_is_no_checkpoint(tmp_path, what):
    (tmp_path / "file.txt").write_text("x")
    with pytest.raises(DataError, match="is not a checkpoint folder"):
        load(tmp_path / what)


# --- what is no file, what is far too large, what is sound and wrong -----------------------------------


@posix
@pytest.mark.parametrize("name", FILES)
def test_a_pipe_in_place_of_a_file_is_refused_at_once(tmp_path, name):
    path = save(tmp_path, state(1))
    (path / name).unlink()
    os.mkfifo(path / name)
    with pytest.raises(DataError, match=rf"{name} cannot be read: it is no regular file") as error:
        load(path)
    assert error.value.code == 3


@pytest.mark.parametrize("name", FILES)
def test_a_sparse_file_of_a_terabyte_is_refused_unread(tmp_path, name):
    path = save(tmp_path, state(1))
    os.truncate(path / name, 1 << 40)
    with pytest.raises(DataError, match=rf"{name} .*bytes"):
        load(path)


def damaged(name, value):
    """A state whose file has the right hash and one value that is wrong."""
    return replace(state(2), **{name: value})


DAMAGED = {
    "info is null": damaged("info", None),
    "seconds are text": damaged("info", {"metrics": {"seconds": "x"}}),
    "metrics are text": damaged("info", {"metrics": "x"}),
    "seconds are infinite": damaged("info", {"metrics": {"seconds": math.inf}}),
    "generator of 3 bytes": damaged("rng", {**state(2).rng, "torch": torch.zeros(3, dtype=torch.uint8)}),
    "a generator is missing": damaged("rng", {}),
    "beyond numpy's state": damaged("rng", {**state(2).rng, "numpy-position": torch.tensor([9999, 0])}),
    "python's words": damaged("rng", {**state(2).rng, "python": torch.tensor([3, -1])}),
    "weights are NaN": damaged("weights", {"w": torch.tensor([math.nan])}),
}


@pytest.mark.parametrize("given", DAMAGED.values(), ids=DAMAGED)
def test_of_damaged_values_the_checkpoint_before_is_taken(tmp_path, given):
    before = torch.get_rng_state()
    save(tmp_path, state(1))
    save(tmp_path, given)
    path, skipped = newest_valid(tmp_path)
    assert path.name == "step-00000001"
    assert len(skipped) == 1
    assert torch.equal(torch.get_rng_state(), before)  # looking changes nothing


def test_a_state_of_another_step_is_not_taken(tmp_path):
    save(tmp_path, state(1))
    save(tmp_path, state(2)).rename(tmp_path / "step-00000009")
    assert newest_valid(tmp_path)[0].name == "step-00000001"
