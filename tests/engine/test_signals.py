"""What a signal leaves on the screen, in the log, and of the terminal."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from atlas_cli.systems.transformer.gpt import GPT
from tests.commands.house import CommandLine
from tests.engine.faults import posix

pytestmark = posix
TRAIN = ("train", "gpt/smoke", "--set", "train.steps=4", "--no-ablate")
NOTICE = "stopping after this step; a second time stops at once"
# A training of which each step takes long, and that says on stdout when the second one has begun.
SLOW = """
import sys, time
from atlas_cli import app
from atlas_cli.systems.transformer.gpt import GPT
seconds, real = float(sys.argv.pop(1)), GPT.batch
def batch(self, step):
    if step == 1:
        print("BEGUN", flush=True)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            time.sleep(0.05)
    return real(self, step)
GPT.batch = batch
app.main()
"""


@pytest.fixture
def atlas(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """The command line, with a Ctrl-C in the second step of whatever it trains."""
    real = GPT.batch

    def batch(self: GPT, step: int):
        if step == 1:
            os.kill(os.getpid(), signal.SIGINT)
        return real(self, step)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(GPT, "batch", batch)
    return CommandLine(capsys, tmp_path)


def test_the_notice_is_a_line_among_the_others(atlas: CommandLine) -> None:
    said = atlas(*TRAIN)
    assert said.code == 130
    lines = said.err.splitlines()
    assert all(lines)  # none is empty
    assert lines.index(NOTICE) < lines.index("ended  stopped after step 2; its checkpoint is written")


def test_with_a_log_in_json_the_notice_is_an_event(atlas: CommandLine) -> None:
    said = atlas(*TRAIN, "--log", "jsonl")
    assert said.code == 130
    events = [json.loads(line) for line in said.err.splitlines()]
    assert NOTICE in [event.get("text") for event in events]


def test_it_is_silent_where_quiet_is_asked_for(atlas: CommandLine) -> None:
    said = atlas(*TRAIN, "--quiet")
    assert said.code == 130
    assert NOTICE not in said.err


class Terminal:
    """A training in a terminal of its own, of which all that was written is kept."""

    def __init__(self, folder: Path, seconds: float, *options: str) -> None:
        import pty

        self._ours, theirs = pty.openpty()
        environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80", "LINES": "24"}
        command = [sys.executable, "-c", SLOW, str(seconds), *TRAIN, *options]
        self.process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, cwd=folder, env=environment,
            start_new_session=True, preexec_fn=_take_terminal,
        )  # fmt: skip
        os.close(theirs)
        self.written = ""

    def wait_for(self, text: str) -> None:
        until = time.monotonic() + 90
        with contextlib.suppress(OSError):  # it has ended
            while text not in self.written and time.monotonic() < until:
                self.written += os.read(self._ours, 4096).decode("utf-8", "replace")
        assert text in self.written

    def type(self, keys: bytes) -> None:
        os.write(self._ours, keys)

    def end(self) -> int:
        try:
            while piece := os.read(self._ours, 4096):
                self.written += piece.decode("utf-8", "replace")
        except OSError:  # the last process that had the terminal has ended
            pass
        os.close(self._ours)
        return self.process.wait(30)


def _take_terminal() -> None:
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def test_a_second_time_leaves_the_terminal_whole(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, 60)
    terminal.wait_for("BEGUN")
    terminal.type(b"\x03")
    terminal.wait_for(NOTICE)
    terminal.type(b"\x03")
    assert terminal.end() == 130
    assert terminal.written.rfind("\x1b[?25h") > terminal.written.rfind("\x1b[?25l") > 0  # the cursor shows
    assert terminal.written.endswith("\n")


def test_in_plain_lines_the_notice_has_one_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    terminal = Terminal(tmp_path, 1, "--plain")
    terminal.wait_for("BEGUN")
    terminal.type(b"\x03")
    assert terminal.end() == 130
    assert re.search(rf"\^C\r*\n{NOTICE}\r*\n", terminal.written)
    assert "\x1b" not in terminal.written
