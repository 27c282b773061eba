"""Streams that are closed, full or gone, and terminals too narrow for anything: no fault and no hang."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from atlas_cli.screen import streams
from atlas_cli.screen.terminal import AtlasConsole
from tests.e2e.helpers import environment
from tests.engine.faults import posix

pytestmark = posix
ATLAS = f"{sys.executable} -m atlas_cli"


def shell(line: str, cwd: Path, **extra: str) -> subprocess.CompletedProcess[str]:
    command = line.replace("atlas ", f"{ATLAS} ")
    return subprocess.run(
        ["sh", "-c", command], cwd=cwd, env=environment(cwd / "home", **extra), text=True, timeout=60,
        stdin=subprocess.DEVNULL, capture_output=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("atlas ls >&-", 0),
        ("atlas explain ddpm >&- 2>&-", 0),
        ("atlas quiz ddpm <&-", 0),
        ("atlas run ls <&- >&- 2>&-", 0),
        ("atlas ls --json > /dev/full", 4),
        ("atlas ls > /dev/full; code=$?; atlas ls > /dev/full || exit $code", 4),  # from the shelf as well
        ("atlas --help > /dev/full", 4),
        ("atlas ls 2> /dev/full", 0),
        ("atlas explain nosuch 2> /dev/full", 2),
    ],
)
def test_no_stream_is_a_fault(tmp_path: Path, line: str, code: int) -> None:
    done = shell(line, tmp_path)
    assert done.returncode == code, done.stderr
    assert "fault of atlas" not in done.stderr
    assert "Exception ignored" not in done.stderr
    if "> /dev/full" in line and code == 4:
        assert "cannot write to stdout: No space left on device" in done.stderr


def test_a_file_never_gets_the_number_of_a_closed_stream(tmp_path: Path) -> None:
    """What is printed would be written into the first file that is opened."""
    program = (
        "from atlas_cli.screen import streams; streams.prepare(); "
        "file = open('kept', 'w'); import os; os.write(1, b'x'); os.write(2, b'y'); os._exit(file.fileno())"
    )
    done = shell(f'{sys.executable} -c "{program}" >&- 2>&-', tmp_path)
    assert done.returncode > 2
    assert (tmp_path / "kept").read_text() == ""


@pytest.mark.parametrize("columns", ["0", "1", "5", "8", "-3", "x"])
@pytest.mark.parametrize("line", ["atlas explain nosuch", "atlas diagram gpt", "atlas --help"])
def test_every_width_comes_to_an_end(tmp_path: Path, columns: str, line: str) -> None:
    if columns in ("5", "-3", "x") and line == "atlas --help":
        pytest.skip("one of each will do")
    done = shell(line, tmp_path, COLUMNS=columns)
    assert done.returncode == (2 if "nosuch" in line else 0), done.stderr
    assert done.stderr + done.stdout


@pytest.mark.parametrize(
    ("said", "settled"),
    [("0", None), ("", None), ("x", None), ("1", "20"), ("19", "20"), ("20", "20"), ("90", "90")],
)
def test_columns_are_settled(monkeypatch: pytest.MonkeyPatch, said: str, settled: str | None) -> None:
    monkeypatch.setenv("COLUMNS", said)
    monkeypatch.setattr(streams, "_terminal_columns", lambda: 0)
    streams._settle_columns()
    assert os.environ.get("COLUMNS") == settled


def test_a_narrow_terminal_has_the_least_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr(streams, "_terminal_columns", lambda: 5)
    streams._settle_columns()
    assert os.environ["COLUMNS"] == "20"
    console = AtlasConsole()
    console.size = (3, 10)
    assert (console.width, console.height) == (20, 10)


def test_colour_in_a_log_is_no_screen_to_draw_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    console = AtlasConsole(stderr=True)
    assert console.is_terminal
    assert not console.is_interactive
