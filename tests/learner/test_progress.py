"""What a learner did is kept in one file: by two processes at once, past damage, and past later versions."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from atlas_cli import deeds
from atlas_cli.learner import progress
from tests.e2e.helpers import ROOT, environment

NOON = 1_770_000_000.0  # 2026-02-02T02:40:00Z


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that stands still until its one entry is changed."""
    now = [NOON]
    monkeypatch.setattr(deeds, "_now", lambda: now[0])
    monkeypatch.setattr(deeds._Said, "already", False)
    return now


def held() -> dict:
    return json.loads(progress.file().read_text())


def test_before_anything_was_done_there_is_nothing():
    assert progress.load() == progress.Progress()
    assert progress.load().latest() is None
    assert not progress.file().exists()


def test_a_deed_done_again_is_the_same_deed_with_the_facts_of_the_last_time(clock: list[float]):
    progress.record("answered", "ddpm", "4f", right=False)
    clock[0] += 60
    progress.record("read", "ddpm")
    clock[0] += 60
    progress.record("answered", "ddpm", "4f", right=True)
    known = progress.load()
    assert [(deed.kind, deed.what, deed.times) for deed in known.deeds] == [
        ("answered", "4f", 2), ("read", "", 1)
    ]  # fmt: skip
    answered, read = known.deeds
    assert (answered.first, answered.last, answered.facts) == (NOON, NOON + 120, {"right": True})
    assert read.first == read.last == NOON + 60
    assert known.latest() == answered
    assert known.has("answered", "ddpm", "4f")
    assert known.has("read", "ddpm")
    assert not known.has("answered", "ddpm", "other")
    assert not known.has("trained", "ddpm")


def test_the_file_is_read_by_people_one_deed_a_line():
    progress.record("trained", "ddpm", "ddpm/small", run="/here/runs/ddpm-small-1")
    progress.record("met", "ddpm", "ddpm/small")
    lines = progress.file().read_text().splitlines()
    assert len([line for line in lines if '"ddpm"' in line]) == 2
    assert '"first": "2026-02-02T02:40:00Z"' in lines[1]
    assert held()["format"] == deeds.FORMAT


def test_a_path_that_is_no_text_comes_back_as_it_was():
    progress.record("trained", "ddpm", "ddpm/small", run="/runs/\udcff-1")
    assert progress.load().deeds[0].facts["run"] == "/runs/\udcff-1"


def test_what_a_later_version_wrote_stays():
    progress.record("read", "ddpm")
    later = held()
    later["format"] = 7
    later["mood"] = {"is": "good"}
    later["deeds"][0]["aloud"] = True
    later["deeds"] += [
        {"dream": "of sheep"},
        {**later["deeds"][0], "deed": "taught", "what": "", "to": "Ada"},
        {**later["deeds"][0], "deed": "met", "first": "soon"},
    ]
    progress.file().write_text(json.dumps(later))
    progress.record("read", "ddpm")
    progress.settle(goal="images")
    now = held()
    assert (now["format"], now["mood"], now["deeds"][1:]) == (7, {"is": "good"}, later["deeds"][1:])
    assert (now["deeds"][0]["aloud"], now["deeds"][0]["times"]) == (True, 2)
    assert [deed.kind for deed in progress.load().deeds] == ["read", "taught"]


def test_what_is_wanted_is_kept_and_taken_away():
    progress.settle(goal="images", pace="slow")
    progress.settle(goal=None)
    assert progress.load().settings == {"pace": "slow"}


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"deeds": {}}', b"\xff\xfe", b'{"settings": 3}'])
def test_a_damaged_file_is_set_aside_and_said(damage: bytes, capsys: pytest.CaptureFixture[str]):
    progress.record("read", "gan")
    progress.file().write_bytes(damage)
    assert progress.load() == progress.Progress()
    said = capsys.readouterr().err.replace("\n", "")
    aside = progress.file().with_name("progress-damaged-1.json")
    assert f"was damaged and begins anew; what it held lies in {aside}" in said
    assert aside.read_bytes() == damage
    progress.record("read", "ddpm")
    progress.file().write_bytes(b"again")
    progress.record("read", "vae")
    assert [deed.topic for deed in progress.load().deeds] == ["vae"]
    assert aside.read_bytes() == damage
    assert progress.file().with_name("progress-damaged-2.json").read_bytes() == b"again"


def test_where_nothing_can_be_written_one_line_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "no-folder").write_text("")
    monkeypatch.setenv("ATLAS_HOME", str(tmp_path / "no-folder"))
    progress.record("read", "ddpm")
    progress.record("read", "gan")
    progress.settle(goal="images")
    assert progress.load() == progress.Progress()
    said = capsys.readouterr().err
    assert said.count("what you do is not kept: ") == 1
    assert "no-folder" in said


def test_without_a_home_one_line_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setenv("ATLAS_HOME", "~nobody-of-this-name/atlas")
    progress.record("read", "ddpm")
    assert progress.load() == progress.Progress()
    assert "what you do is not kept: ATLAS_HOME is" in capsys.readouterr().err


def test_a_lock_that_is_never_freed_is_waited_for_in_vain_and_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    progress.record("read", "ddpm")
    monkeypatch.setattr(deeds, "_PATIENCE_S", 0.02)
    lock = deeds._locked(progress.file())
    progress.record("read", "gan")
    os.close(lock)
    assert "another process holds" in capsys.readouterr().err
    assert [deed.topic for deed in progress.load().deeds] == ["ddpm"]


def test_reset_forgets_all_of_it():
    assert not progress.reset()
    progress.record("read", "ddpm")
    assert progress.reset()
    assert progress.load() == progress.Progress()


def test_two_processes_at_once_lose_nothing(tmp_path: Path):
    written = """
import sys
from atlas_cli.learner import progress
for i in range(25):
    progress.record("answered", "ddpm", f"{sys.argv[1]}-{i}")
    progress.record("read", "ddpm")
"""
    processes = [
        subprocess.Popen([sys.executable, "-c", written, name], env=environment(tmp_path / "home"))
        for name in ("one", "two")
    ]
    assert [process.wait() for process in processes] == [0, 0]
    known = progress.load()
    assert len(known.of("ddpm", "answered")) == 50
    assert known.of("ddpm", "read")[0].times == 50


def test_a_record_loads_nothing_heavy(tmp_path: Path):
    code = (
        "import sys, typer, rich; before = set(sys.modules)\n"
        "from atlas_cli.learner import progress\n"
        "progress.record('read', 'ddpm')\n"
        "print(*sorted(set(sys.modules) - before))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment(tmp_path / "home"), text=True,
        capture_output=True, check=True,
    )  # fmt: skip
    assert len(ran.stdout.split()) < 16, ran.stdout
    assert not {"torch", "yaml", "atlas_cli.catalog", "rich.console"} & set(ran.stdout.split())
