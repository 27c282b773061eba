"""Faults that destroy a folder of runs elsewhere: read-only places, two processes, a cut line of metrics."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from atlas_cli.errors import DataError, EnvironmentFault, UsageError
from atlas_cli.runs.checkpoint import save
from atlas_cli.runs.find import list_runs
from atlas_cli.runs.folder import RunFolder
from tests.engine.faults import kill, names, posix, start, state

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
