"""Ranks that end together, whatever happens to one of them or to the process that launched them (fault 18).

The ranks here are small programs in place of the atlas: what they do is what the launcher sees of a training.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from atlas_cli import ranks
from atlas_cli.engine import launcher
from atlas_cli.errors import AtlasError, RankLost
from tests.e2e.helpers import environment
from tests.engine.faults import posix

pytestmark = posix

#: A rank that says it began, then does what stands under its number.
RANK = """
import os, pathlib, signal, sys, time
rank = os.environ["RANK"]
stopped = []
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, lambda number, frame: stopped.append(number))
def until_stopped():
    while not stopped:
        time.sleep(0.01)
    time.sleep(0.2)
    sys.exit(128 + stopped[0] if len(stopped) == 1 else 99)
pathlib.Path(f"began-{rank}-{os.getpid()}").touch()
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in (*ranks.ANNOUNCED_BY, ranks.LAUNCHER):
        monkeypatch.delenv(name, raising=False)


def launch(monkeypatch: pytest.MonkeyPatch, first: str, second: str) -> int:
    program = f"{RANK}\nif rank == '0':\n    {first}\nelse:\n    {second}\n"
    monkeypatch.setattr(launcher, "PROGRAM", ("-P", "-c", program))
    return launcher.launch(2, [])


def began(rank: int) -> int:
    """The process id of a rank, once it has begun."""
    deadline = time.monotonic() + 30
    while not (found := list(Path().glob(f"began-{rank}-*"))):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return int(found[0].name.split("-")[2])


def gone(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return False


def meanwhile(action: object) -> None:
    """Do something once both ranks have begun, while the main thread waits for them."""

    def act() -> None:
        processes = [began(0), began(1)]
        time.sleep(0.1)
        action(processes)  # type: ignore[operator]

    threading.Thread(target=act, daemon=True).start()


def test_ranks_that_end_well_end_well(monkeypatch: pytest.MonkeyPatch) -> None:
    assert launch(monkeypatch, "pass", "pass") == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_reaches_every_rank_once_and_its_code_comes_back(
    monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    meanwhile(lambda _: os.kill(os.getpid(), number))
    assert launch(monkeypatch, "until_stopped()", "until_stopped()") == 128 + number


def test_a_killed_rank_is_named_and_the_other_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    meanwhile(lambda processes: os.kill(processes[1], signal.SIGKILL))
    with pytest.raises(AtlasError, match=r"rank 1 died \(SIGKILL\)") as died:
        launch(monkeypatch, f"time.sleep(0.5); sys.exit({RankLost.code})", "until_stopped()")
    assert died.value.code == 1
    assert gone(began(0))


def test_a_rank_that_waits_for_a_killed_one_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launcher, "_GRACE_S", 0.2)
    meanwhile(lambda processes: os.kill(processes[1], signal.SIGKILL))
    with pytest.raises(AtlasError, match="rank 1 died"):
        launch(monkeypatch, "time.sleep(60)", "until_stopped()")
    assert gone(began(0))


def test_what_the_first_rank_said_stands_and_what_only_another_knows_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert launch(monkeypatch, "sys.exit(5)", "print('not heard', file=sys.stderr); sys.exit(5)") == 5
    assert capsys.readouterr().err == ""
    lost = f"time.sleep(0.3); sys.exit({RankLost.code})"
    assert launch(monkeypatch, lost, "print('no memory', file=sys.stderr); sys.exit(4)") == 4
    assert capsys.readouterr().err == "no memory\n"


def test_ranks_end_when_their_launcher_is_killed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    watching = (
        "from atlas_cli.engine import launcher\n"
        "launcher._WATCH_S = 0.05\n"
        "launcher.end_with_launcher()\n"
        "pathlib.Path(f'began-{rank}-{os.getpid()}').touch()\n"
        "until_stopped()\n"
    )
    program = RANK.rsplit("pathlib", 1)[0] + watching
    starter = (
        "from atlas_cli.engine import launcher\n"
        f"launcher.PROGRAM = ('-P', '-c', {program!r})\n"
        "launcher.launch(2, [])\n"
    )
    process = subprocess.Popen([sys.executable, "-c", starter], env=environment(tmp_path / "home"))
    processes = [began(0), began(1)]
    process.kill()
    process.wait()
    deadline = time.monotonic() + 30
    while not all(map(gone, processes)):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_nothing_in_the_working_folder_is_imported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Fault 1 of the attacks: a file called like a module of the library waits where people train."""
    for name in ("yaml", "torch", "json", "random"):
        (tmp_path / f"{name}.py").write_text("open('imported', 'w')\n")
    assert launcher.PROGRAM[0] == "-P"
    assert launch(monkeypatch, "import json, random, yaml", "import json, random, yaml") == 0
    assert not (tmp_path / "imported").exists()
