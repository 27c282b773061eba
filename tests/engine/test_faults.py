"""Faults that destroy runs elsewhere: kills, full disks, flipped bits, links, pickles, two writers."""

from __future__ import annotations

import errno
import json
import math
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from atlas_cli.config import SystemConfig
from atlas_cli.engine.system import System
from atlas_cli.errors import AtlasError, DataError, EnvironmentFault, UsageError
from atlas_cli.runs import checkpoint, durable
from atlas_cli.runs.checkpoint import clear_leftovers, load, newest_valid, prune, save, update_best
from atlas_cli.runs.find import list_runs
from atlas_cli.runs.folder import RunFolder
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


# --- row 6: output folder read-only or missing -------------------------------------------------------


def test_a_missing_parent_and_a_file_in_place_of_the_folder_are_refused(tmp_path):
    (tmp_path / "file").write_text("")
    for root, words in [
        (tmp_path / "no" / "runs", "no does not exist"),
        (tmp_path / "file", "is not a folder"),
    ]:
        with pytest.raises(EnvironmentFault, match=words) as error:
            RunFolder.create(root, "ddpm/small")
        assert error.value.code == 4
        assert "--out FOLDER" in error.value.hint
    with pytest.raises(EnvironmentFault):
        RunFolder.create(tmp_path / "file" / "runs", "ddpm/small")


def test_a_read_only_folder_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(EnvironmentFault, match="read-only") as error:
        RunFolder.create(tmp_path, "ddpm/small")
    assert (error.value.code, names(tmp_path)) == (4, [])


@pytest.mark.parametrize("reason", [errno.EROFS, errno.EACCES, errno.ENOSPC])
def test_a_folder_in_which_none_can_be_made_is_refused(tmp_path, monkeypatch, reason):
    def mkdir(self, *args, **kwargs):
        if self != tmp_path:
            raise OSError(reason, os.strerror(reason))

    monkeypatch.setattr(Path, "mkdir", mkdir)
    with pytest.raises(EnvironmentFault) as error:
        RunFolder.create(tmp_path, "ddpm/small")
    assert error.value.code == 4
    assert "--out FOLDER" in error.value.hint


@pytest.mark.skipif(os.name == "nt" or os.getuid() == 0, reason="root may write anywhere")
def test_permission_bits_are_respected(tmp_path):
    tmp_path.chmod(0o555)
    try:
        with pytest.raises(EnvironmentFault):
            RunFolder.create(tmp_path, "ddpm/small")
    finally:
        tmp_path.chmod(0o755)


def test_a_checkpoint_folder_that_vanished_is_a_fault_of_the_environment(tmp_path):
    with pytest.raises(EnvironmentFault, match="cannot write"):
        save(tmp_path / "gone", state(1))


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


# --- row 13: two processes ---------------------------------------------------------------------------

CREATE = """
    import sys
    from pathlib import Path
    from atlas_cli.runs.folder import RunFolder
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(10):
        print(RunFolder.create(Path(sys.argv[1]), "ddpm/small").name)
"""

HOLD = """
    import sys, time
    from pathlib import Path
    from atlas_cli.runs.find import open_run
    with open_run("latest", Path(sys.argv[1])).lock():
        print("held", flush=True)
        sys.stdin.readline()
"""


def test_runs_started_together_get_distinct_folders(tmp_path):
    root = tmp_path / "runs"
    children = [start(CREATE, root) for _ in range(6)]
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    made = [name for child in children for name in child.communicate("go\n", timeout=60)[0].split()]
    assert sorted(made) == sorted(f"ddpm-small-{n}" for n in range(1, 61))
    assert len(list_runs(root)) == 60


def test_a_number_that_another_process_takes_in_between_is_left_to_it(tmp_path, monkeypatch):
    real = Path.mkdir

    def mkdir(self, *args, **kwargs):
        if self.name == "ddpm-small-1":
            real(self)  # the other process, after the numbers were counted
        real(self, *args, **kwargs)

    monkeypatch.setattr(Path, "mkdir", mkdir)
    assert RunFolder.create(tmp_path, "ddpm/small").name == "ddpm-small-2"
    assert names(tmp_path / "ddpm-small-1") == []


def test_a_second_resume_fails_and_names_the_holder(tmp_path):
    run = RunFolder.create(tmp_path, "ddpm/small")
    child = start(HOLD, tmp_path)
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    assert run.status == "running"
    with (
        pytest.raises(UsageError, match=rf"ddpm-small-1 .*process {child.pid} on .*, since 20") as error,
        run.lock(),
    ):
        pass
    assert error.value.code == 2
    child.communicate("\n", timeout=30)
    assert run.status == "interrupted"
    with run.lock():
        assert run.holder().pid == os.getpid()


@posix
def test_the_lock_of_a_killed_process_is_free(tmp_path):
    run = RunFolder.create(tmp_path, "ddpm/small")
    child = start(HOLD, tmp_path)
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    kill(child)
    assert json.loads((run.path / "lock").read_text())["pid"] == child.pid
    assert run.status == "interrupted"
    with run.lock():
        assert run.status == "running"


def test_one_process_cannot_lock_a_run_twice(tmp_path):
    run = RunFolder.create(tmp_path, "ddpm/small")
    with run.lock(), pytest.raises(UsageError), RunFolder(run.path).lock():
        pass
    with run.lock():
        pass


@posix
@pytest.mark.parametrize(("alive", "code"), [(True, 2), (False, None)])
def test_on_a_disk_without_locks_a_live_process_counts(tmp_path, monkeypatch, alive, code):
    import fcntl

    def flock(descriptor, operation):
        raise OSError(errno.ENOLCK, "no locks available")

    monkeypatch.setattr(fcntl, "flock", flock)
    other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    if not alive:
        other.communicate(b"\n", timeout=30)
    run = RunFolder.create(tmp_path, "ddpm/small")
    record = {"pid": other.pid, "host": os.uname().nodename, "started": "2026-01-01"}
    (run.path / "lock").write_text(json.dumps(record))
    assert run.status == ("running" if alive else "interrupted")
    got = None
    try:
        with run.lock():
            assert run.holder().pid == os.getpid()
    except UsageError as error:
        got = error.code
    assert got == code
    if alive:
        other.communicate(b"\n", timeout=30)


# --- row 14: metrics after resume --------------------------------------------------------------------


def test_metrics_past_the_checkpoint_are_cut_and_none_doubled(tmp_path):
    run = RunFolder.create(tmp_path, "ddpm/small")
    for step in (10, 20, 30, 40):
        run.append_metrics({"step": step, "loss": 1 / step})
    with (run.path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 50, "lo')  # killed within the write
    before = run.read_metrics()
    assert [row["step"] for row in before] == [10, 20, 30, 40]
    run.cut_metrics_after(20)
    for step in (30, 40, 50):
        run.append_metrics({"step": step, "loss": 1 / step})
    rows = run.read_metrics()
    assert [row["step"] for row in rows] == [10, 20, 30, 40, 50]
    assert rows[:4] == before
    run.cut_metrics_after(0)
    assert run.read_metrics() == []


def test_a_damaged_line_in_the_middle_is_named(tmp_path):
    run = RunFolder.create(tmp_path, "ddpm/small")
    (run.path / "metrics.jsonl").write_text('{"step": 1}\n{"st\n{"step": 3}\n')
    with pytest.raises(DataError, match=r"metrics\.jsonl:2 "):
        run.read_metrics()


def test_a_failed_rewrite_keeps_the_metrics(tmp_path, monkeypatch):
    run = RunFolder.create(tmp_path, "ddpm/small")
    run.append_metrics({"step": 1})
    run.append_metrics({"step": 2})

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(EnvironmentFault, match="the disk is full"):
        run.cut_metrics_after(1)
    assert [row["step"] for row in run.read_metrics()] == [1, 2]
    assert not list(run.path.glob(".tmp-*"))


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
