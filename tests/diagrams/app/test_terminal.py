"""`atlas diagram TOPIC -i` in a real terminal: it opens, and leaves everything as it found it."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path
from select import select

import pytest

from tests.e2e.helpers import COMMAND, environment

PATIENCE_S = 60
OPENED, CLOSED = "\x1b[?1049h", "\x1b[?1049l"  # the other screen, and back
SHOW_CURSOR, MOUSE_OFF = "\x1b[?25h", "\x1b[?1003l"


class Terminal:
    """A command in a terminal of its own, 80 columns by 24 lines."""

    def __init__(self, command: list[str], cwd: Path, **extra: str) -> None:
        self.ours, self.theirs = pty.openpty()
        termios.tcsetwinsize(self.theirs, (24, 80))
        self.before = termios.tcgetattr(self.theirs)
        streams = {"stdin": self.theirs, "stdout": self.theirs, "stderr": self.theirs}
        self.process = subprocess.Popen(
            command, cwd=cwd, env=environment(cwd / "home", TERM="xterm-256color", **extra),
            start_new_session=True, **streams,
        )  # fmt: skip
        self.text = ""

    def read_until(self, wanted: str) -> None:
        """Read what the command writes until some text was there."""
        deadline = time.monotonic() + PATIENCE_S
        while wanted not in self.text:
            assert time.monotonic() < deadline, self.text[-2000:]
            self._read(0.1)

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self.ours, keys.encode())

    def wait(self) -> int:
        """Read to the end, and give the exit code."""
        deadline = time.monotonic() + PATIENCE_S
        while self.process.poll() is None:
            assert time.monotonic() < deadline, self.text[-2000:]
            self._read(0.1)
        while self._read(0.1):
            pass
        return self.process.returncode

    def check_restored(self) -> None:
        """The modes of the terminal, its screen, its cursor and its mouse are what they were."""
        assert termios.tcgetattr(self.theirs) == self.before
        assert self.text.count(OPENED) == self.text.count(CLOSED) == 1
        after = self.text[self.text.index(CLOSED) :]
        assert SHOW_CURSOR in after
        assert MOUSE_OFF in self.text
        assert "\x1b[?1003h" not in after

    def close(self) -> None:
        """Hang up."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.ours)
        os.close(self.theirs)

    def _read(self, seconds: float) -> bool:
        ready = bool(select([self.ours], [], [], seconds)[0])
        if ready:
            self.text += os.read(self.ours, 65536).decode("utf-8", "replace")
        return ready


@pytest.fixture
def terminal(tmp_path: Path):
    opened: list[Terminal] = []

    def start(*command: str, **extra: str) -> Terminal:
        opened.append(Terminal(list(command) or [*COMMAND, "diagram", "gan", "-i"], tmp_path, **extra))
        return opened[-1]

    yield start
    for each in opened:
        each.close()


@pytest.mark.parametrize(("key", "code"), [("q", 0), ("\x1b", 0), ("\x03", 130)], ids=["q", "Esc", "Ctrl-C"])
def test_it_leaves_the_terminal_as_it_found_it(terminal, key: str, code: int):
    gan = terminal()
    gan.read_until("1/5")
    gan.press("2")
    gan.read_until("2/5")
    gan.press(key)
    assert gan.wait() == code
    gan.check_restored()
    said = gan.text[gan.text.index(CLOSED) :]
    assert ("atlas diagram gan alternation --step 2" in said) == (code == 0)


def test_sigterm_leaves_it_too(terminal):
    gan = terminal()
    gan.read_until("1/5")
    gan.process.send_signal(signal.SIGTERM)
    assert gan.wait() == 143
    gan.check_restored()


def test_a_fault_is_told_in_two_lines_on_the_screen_that_was_there(terminal):
    script = (
        "from atlas_cli import app\n"
        "from atlas_cli.diagrams.app import views\n"
        "def fault(*_): raise ZeroDivisionError('a fault of ours')\n"
        "views.SteppedView.picture = fault\n"
        "app.main(['diagram', 'gan', '-i'])\n"
    )
    gan = terminal(sys.executable, "-c", script)
    assert gan.wait() == 1
    gan.check_restored()
    said = gan.text[gan.text.index(CLOSED) :]
    assert "ZeroDivisionError: a fault of ours" in said
    assert "--debug" in said
    assert "Traceback" not in gan.text


def test_who_leaves_while_a_frame_is_computed_need_not_wait_for_it(terminal):
    script = (
        "import time\n"
        "from atlas_cli import app\n"
        "from atlas_cli.diagrams.app import views\n"
        "def forever(*_):\n    while True: time.sleep(0.001)\n"
        "views.TurnedView.compute = forever\n"
        "app.main(['diagram', 'mamba', 'scan-tree', '-i'])\n"
    )
    tree = terminal(sys.executable, "-c", script)
    tree.read_until("computing …")
    tree.press("q")
    assert tree.wait() == 0
    tree.check_restored()


def test_a_real_mouse_turns_it(terminal):
    gan = terminal()
    gan.read_until("1/5")
    gan.press("\x1b[<0;20;2M\x1b[<0;20;2m")  # column 20, line 2: the third step
    gan.read_until("3/5")
    gan.press("q")
    assert gan.wait() == 0


def test_no_color_sends_no_colour(terminal):
    gan = terminal(NO_COLOR="1")
    gan.read_until("1/5")
    gan.press("q")
    gan.wait()
    screens = gan.text[gan.text.index(OPENED) : gan.text.index(CLOSED)]
    assert "\x1b[1m" in screens
    assert "38;" not in screens
    assert "48;" not in screens


def test_without_a_terminal_it_says_what_to_type(tmp_path: Path):
    ran = subprocess.run(
        [*COMMAND, "diagram", "gan", "-i"], cwd=tmp_path, env=environment(tmp_path), capture_output=True,
        text=True, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    assert ran.returncode == 2
    assert ran.stdout == ""
    assert "-i needs a terminal" in ran.stderr
    assert "hint   atlas diagram gan alternation" in ran.stderr


def test_it_goes_to_no_file(tmp_path: Path):
    ran = subprocess.run(
        [*COMMAND, "diagram", "gan", "-i", "--out", "gan.svg"], cwd=tmp_path, env=environment(tmp_path),
        capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    assert ran.returncode == 2
    assert "not to a file" in ran.stderr
    assert not (tmp_path / "gan.svg").exists()


@pytest.mark.parametrize("arguments", [["mamba"], ["mamba", "scan-tree"], ["--list"]], ids=" ".join)
def test_a_diagram_that_is_printed_does_not_import_textual(tmp_path: Path, arguments: list[str]):
    script = (
        "import sys\nfrom atlas_cli import app\n"
        f"try: app.main(['diagram', *{arguments!r}])\n"
        "finally: print([name for name in ('textual', 'pydantic') if name in sys.modules], file=sys.stderr)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment(tmp_path), capture_output=True,
        text=True, stdin=subprocess.DEVNULL, check=True,
    )  # fmt: skip
    assert ran.stderr.splitlines()[-1] == "[]"
