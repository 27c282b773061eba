"""RANK and WORLD_SIZE are heeded where torchrun announces a group, and nowhere else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from atlas_cli import ranks
from atlas_cli.errors import UsageError
from tests.e2e.helpers import environment

GROUP = {"RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "localhost", "MASTER_PORT": "29500"}


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*GROUP, "LOCAL_RANK", "LOCAL_WORLD_SIZE", ranks.LAUNCHER):
        monkeypatch.delenv(name, raising=False)


def announce(monkeypatch: pytest.MonkeyPatch, **changes: str) -> None:
    for name, value in {**GROUP, **changes}.items():
        monkeypatch.setenv(name, value)


def test_all_four_variables_announce_a_group(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (ranks.rank(), ranks.world_size(), ranks.speaks()) == (0, 1, True)
    announce(monkeypatch)
    assert (ranks.rank(), ranks.world_size(), ranks.speaks()) == (1, 2, False)
    assert ranks.launcher() is None
    monkeypatch.setenv(ranks.LAUNCHER, "12")
    assert ranks.launcher() == 12


@pytest.mark.parametrize("left_out", GROUP)
def test_what_a_scheduler_left_behind_announces_none(monkeypatch: pytest.MonkeyPatch, left_out: str) -> None:
    announce(monkeypatch, **{left_out: ""})
    assert (ranks.rank(), ranks.world_size(), ranks.speaks()) == (0, 1, True)
    ranks.require_sound()


@pytest.mark.parametrize(
    "changes",
    [
        {"WORLD_SIZE": "0"}, {"WORLD_SIZE": "-2"}, {"WORLD_SIZE": "two"}, {"WORLD_SIZE": "²"},
        {"WORLD_SIZE": "9" * 400}, {"RANK": "2"}, {"RANK": "x"}, {"MASTER_PORT": "70000"},
        {"LOCAL_RANK": "?"},
    ],
)  # fmt: skip
def test_nonsense_is_refused_and_said(monkeypatch: pytest.MonkeyPatch, changes: dict[str, str]) -> None:
    announce(monkeypatch, **changes)
    with pytest.raises(UsageError, match=next(iter(changes))) as error:
        ranks.require_sound()
    assert error.value.code == 2


def test_no_error_is_muted_outside_a_group(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "atlas_cli", "explain", "nosuch"], cwd=tmp_path, text=True,
        env=environment(tmp_path / "home", RANK="1"), capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "nosuch" in done.stderr


def test_a_rank_ends_with_its_code_though_a_thread_aborts_as_the_interpreter_goes(tmp_path: Path) -> None:
    program = (
        "import atexit, os\n"
        "from atlas_cli import app\n"
        "atexit.register(os.abort)\n"
        "app.main(['explain', 'no such topic'])\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], env={**environment(tmp_path), **GROUP, "RANK": "0"},
                           capture_output=True, text=True)  # fmt: skip
    assert (ended.returncode, "no such topic" in ended.stderr + ended.stdout) == (2, True), ended
