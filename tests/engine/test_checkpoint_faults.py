"""Faults that destroy checkpoints elsewhere: kills, full disks, other architectures, NaN, files in use."""

from __future__ import annotations

import errno
import json
import math
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import torch
from torch import nn

from atlas_cli.config import SystemConfig
from atlas_cli.engine.system import System
from atlas_cli.errors import AtlasError, EnvironmentFault, UsageError
from atlas_cli.runs import checkpoint, durable
from atlas_cli.runs.checkpoint import clear_leftovers, load, newest_valid, prune, save, update_best
from tests.engine.faults import kill, names, posix, start, state

# --- row 1: SIGKILL during a save --------------------------------------------------------------------

SAVE_AND_BLOCK = """
    import os, sys, time, torch
    from pathlib import Path
    from atlas_cli.runs import checkpoint
    folder, step, block_at = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    calls = {"fsync": 0, "replace": 0}
    def blocking(name):
        real = getattr(os, name)
        def call(*args, **kwargs):
            calls[name] += 1
            if block_at == f"{name}{calls[name]}":
                print("blocked", flush=True)
                time.sleep(600)
            return real(*args, **kwargs)
        return call
    os.fsync, os.replace = blocking("fsync"), blocking("replace")
    weights = {"w": torch.arange(100.0) + 1000}
    state = checkpoint.TrainState(step, weights, None, {}, checkpoint.capture_rng(), {"take": 2})
    checkpoint.save(folder, state)
    print("saved without blocking", flush=True)
"""


@posix
@pytest.mark.parametrize(
    ("block_at", "step", "expected"),
    [
        ("fsync1", 2, (1, None)),  # the first file is written, not synced
        ("fsync4", 2, (1, None)),  # all files but no synced manifest
        ("replace1", 2, (1, None)),  # whole, but under its temporary name
        ("fsync6", 2, (2, 2)),  # renamed: it counts
        ("replace2", 1, (1, None)),  # replacing the only checkpoint, the old one set aside
        ("fsync6", 1, (1, 2)),  # replaced, the old one not yet removed
    ],
)
def test_sigkill_during_a_save_leaves_a_checkpoint_that_loads(tmp_path, block_at, step, expected):
    save(tmp_path, state(1))
    child = start(SAVE_AND_BLOCK, tmp_path, step, block_at)
    assert child.stdout is not None
    assert child.stdout.readline() == "blocked\n"
    kill(child)
    assert len(names(tmp_path)) >= 2 or expected == (1, None)
    for _ in range(2):  # before and after the left-overs are cleared
        path, skipped = newest_valid(tmp_path)
        loaded = load(path)
        assert (loaded.step, loaded.info.get("take")) == expected
        assert skipped == []
        clear_leftovers(tmp_path)
    assert names(tmp_path) == sorted({"step-00000001", f"step-{expected[0]:08d}"})


def test_clearing_leftovers_touches_nothing_else(tmp_path):
    save(tmp_path, state(1))
    update_best(tmp_path, 1, 0.5)
    shutil.copytree(tmp_path / "step-00000001", tmp_path / ".tmp-step-00000002-77")
    (tmp_path / ".tmp-best.json-77").write_text("{")
    (tmp_path / "notes.txt").write_text("mine")
    clear_leftovers(tmp_path)
    assert names(tmp_path) == ["best.json", "notes.txt", "step-00000001"]


def test_a_ctrl_c_during_a_save_leaves_no_half_checkpoint(tmp_path, monkeypatch):
    save(tmp_path, state(1))

    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        save(tmp_path, state(2))
    assert names(tmp_path) == ["step-00000001"]


# --- row 5: disk full --------------------------------------------------------------------------------


LIMITS = {errno.EDQUOT: "your quota on this disk is reached", errno.EFBIG: "the limit on the size of files"}


def assert_full(folder: Path, error: AtlasError, reason: int = errno.ENOSPC) -> None:
    assert error.code == 4
    assert LIMITS.get(reason, "the disk is full") in error.what
    assert error.what.count(" bytes") == 1
    assert (" are free" in error.what) == (reason == errno.ENOSPC)
    assert names(folder) == ["step-00000001"]
    assert load(folder / "step-00000001").step == 1


def test_too_little_space_is_refused_before_anything_is_written(tmp_path, monkeypatch):
    save(tmp_path, state(1))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9 - 4321, 4321))
    with pytest.raises(EnvironmentFault, match="4,321 are free") as error:
        save(tmp_path, state(2))
    assert_full(tmp_path, error.value)


@pytest.mark.parametrize("reason", [errno.ENOSPC, *LIMITS])
@pytest.mark.parametrize("at", [1, 3, 5])
def test_a_disk_that_fills_up_during_the_save_keeps_the_old_checkpoint(tmp_path, monkeypatch, reason, at):
    save(tmp_path, state(1))
    calls, real = [], os.fsync

    def fsync(descriptor):
        calls.append(descriptor)
        if len(calls) == at:
            raise OSError(reason, os.strerror(reason))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(EnvironmentFault) as error:
        save(tmp_path, state(2))
    assert_full(tmp_path, error.value, reason)


@posix
def test_a_limit_on_the_size_of_files_is_named(tmp_path):
    import resource

    save(tmp_path, state(1))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        with pytest.raises(EnvironmentFault) as error:
            save(tmp_path, state(2, size=100_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert_full(tmp_path, error.value, errno.EFBIG)


@pytest.fixture
def small_disk(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a small disk")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize("estimate", [True, False])
def test_on_a_disk_that_is_really_full_the_old_checkpoint_stays(small_disk, monkeypatch, estimate):
    save(small_disk, state(1, size=1000))
    if not estimate:  # another process takes the space after the estimate: the write itself fails
        monkeypatch.setattr(checkpoint, "size_of", lambda _: 0)
    with pytest.raises(EnvironmentFault) as error:
        save(small_disk, state(2, size=400_000))
    assert_full(small_disk, error.value)
    save(small_disk, state(3, size=1000))


def test_the_estimate_is_never_below_what_is_written_and_close(tmp_path):
    weights = {f"layer.{i}.weight": torch.randn(3, 5) for i in range(300)}
    given = state(1, weights=weights, ema=weights)
    groups, document = checkpoint._tensor_files(given)
    estimated = (
        checkpoint._OVERHEAD + len(json.dumps(document)) + sum(map(checkpoint.size_of, groups.values()))
    )
    written = sum(file.stat().st_size for file in save(tmp_path, given).iterdir())
    assert written <= estimated <= 2 * written + checkpoint._OVERHEAD


# --- row 12: a changed recipe ------------------------------------------------------------------------


class Linear(System):
    def __init__(self, width: int) -> None:
        super().__init__(SystemConfig())
        self.layer = nn.Linear(width, 1)


def test_a_checkpoint_knows_its_recipe_and_does_not_fit_another_architecture(tmp_path):
    path = save(tmp_path, state(1, weights=Linear(3).state_dict(), info={"recipe_hash": "abc"}))
    loaded = load(path)
    assert loaded.info["recipe_hash"] == "abc"
    shapes = {name: tuple(tensor.shape) for name, tensor in loaded.weights.items()}
    Linear(3).restore_shapes(shapes)
    with pytest.raises(UsageError, match=r"layer\.weight is \(1, 3\).*\(1, 4\)") as error:
        Linear(4).restore_shapes(shapes)
    assert error.value.code == 2


# --- row 15: NaN -------------------------------------------------------------------------------------


@pytest.mark.parametrize("metric", [math.nan, math.inf, -math.inf])
def test_nan_and_infinity_are_never_best(tmp_path, metric):
    save(tmp_path, state(1))
    save(tmp_path, state(2))
    assert not update_best(tmp_path, 2, metric)
    assert checkpoint.read_best(tmp_path) is None
    assert update_best(tmp_path, 1, 0.5)
    assert not update_best(tmp_path, 2, metric)
    assert checkpoint.read_best(tmp_path) == (1, 0.5)


# --- row 19: Windows, file in use --------------------------------------------------------------------


@pytest.mark.parametrize(("failures", "saved"), [(3, True), (1000, False)])
def test_a_rename_is_tried_again_for_a_while(tmp_path, monkeypatch, failures, saved):
    save(tmp_path, state(1))
    left, waits, real = [failures], [], os.replace

    def replace(source, target):
        left[0] -= 1
        if left[0] >= 0:
            raise PermissionError(errno.EACCES, "Permission denied")
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)
    monkeypatch.setattr(durable.time, "sleep", waits.append)
    if saved:
        assert load(save(tmp_path, state(2))).step == 2
    else:
        with pytest.raises(EnvironmentFault, match="cannot write"):
            save(tmp_path, state(2))
        assert names(tmp_path) == ["step-00000001"]
        prune(tmp_path, keep=0)  # still in use: left for the next time
        assert names(tmp_path) == ["step-00000001"]
    assert sum(waits) < 3
