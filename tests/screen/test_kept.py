"""What is printed from the shelf is, byte for byte, what is printed without it; and never what it was."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from atlas_cli.screen import kept, pager, surroundings
from tests.e2e.helpers import COMMAND, ROOT, environment

# Runs every page and stepped diagram thrice in one process: with nothing kept, keeping, and with nothing to
# compose from. Prints how many commands there were.
THRICE = """
import io, sys
from atlas_cli import app, catalog
from atlas_cli.diagrams import blocks
from atlas_cli import deeds
from atlas_cli.screen import kept

deeds.record = lambda *_: None  # what is done changes the map
subjects = [entry for family in catalog.families() for entry in (family, *family.topics)]
drawn = [d for family in catalog.families() for d in blocks.diagrams_of(family)]
commands = [[], ["ls"], ["ls", "--tree"], *(["explain", subject.slug] for subject in subjects)]
commands += [["diagram", d.topics[0], d.name, "--no-animate"] for d in drawn]
commands += [["explain", str(i)] for i in range(1, 13)]

def printed(command):
    real = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in real)
    try:
        assert app._run(list(command)) == 0, command
        sys.stdout.flush(), sys.stderr.flush()
        return sys.stdout.buffer.getvalue(), sys.stderr.buffer.getvalue()
    finally:
        sys.stdout, sys.stderr = real

plain = [printed(command) for command in commands]
kept.use()
assert [printed(command) for command in commands] == plain

def forbidden(*_, **__):
    raise AssertionError("composed again")

catalog._find = catalog.families = catalog.topics = forbidden
for command, before in zip(commands, plain, strict=True):
    assert printed(command) == before, command
print(len(commands), sum(b"\\x1b[" in out for out, _ in plain))
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which the frames of explorables, which need torch, are computed once for several tests."""
    return tmp_path_factory.mktemp("home")


@pytest.mark.parametrize("colour", [False, True], ids=["plain", "colour"])
@pytest.mark.parametrize("width", ["80", "140"])
def test_every_page_and_stepped_diagram_comes_back_as_it_was(
    tmp_path: Path, home: Path, width: str, colour: bool
):
    extra = {"FORCE_COLOR": "1", "COLORTERM": "truecolor", "TERM": "xterm"} if colour else {}
    ran = subprocess.run(
        [sys.executable, "-c", THRICE], cwd=tmp_path, env=environment(home, COLUMNS=width, **extra),
        capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr[-2000:]
    n_commands, n_coloured = map(int, ran.stdout.split())
    assert n_commands > 90
    assert n_coloured == (n_commands if colour else 0)


class House:
    """A copy of the atlas that a test may edit, a home, and a working folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home, self.work = folder, folder / "home", folder / "work"
        self.work.mkdir()
        for name in ("atlas_cli", "content", "recipes"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))

    def environment(self, **extra: str) -> dict[str, str]:
        places = {"PYTHONPATH": str(self.folder), "ATLAS_HOME": str(self.home), "COLUMNS": "80"}
        return environment(self.home, **{"PYTHONIOENCODING": "utf-8", **places, **extra})

    def start(self, *arguments: str, **extra: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [*COMMAND, *arguments], cwd=self.work, env=self.environment(**extra), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def prints(self, *arguments: str, **extra: str) -> bytes:
        process = self.start(*arguments, **extra)
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        return out

    def forget(self) -> None:
        shutil.rmtree(self.home / "shelf", ignore_errors=True)

    def edit(self, name: str, change: Callable[[str], str]) -> None:
        file = self.folder / name
        text = file.read_text(encoding="utf-8")
        assert change(text) != text
        file.write_text(change(text), encoding="utf-8")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return House(tmp_path_factory.mktemp("house"))


@pytest.mark.parametrize(
    ("command", "name", "old", "new"),
    [
        ("explain genie", "content/world/genie.md", "idea: ", "idea: Zyxt. "),
        ("diagram gan", "content/gan/diagrams/alternation.yaml", "title: ", "title: Zyxt "),
        ("explain gan", "content/gan/diagrams/alternation.yaml", "title: ", "title: Zyxt "),
        ("explain genie", "atlas_cli/pages/compose.py", "Meanwhile:", "Zyxt:"),
        ("explain genie", "atlas_cli/__init__.py", "__version__ = ", '__version__ = "9" + '),
        ("ls", "content/atlas.yaml", "line: Sequence", "line: Zyxt sequence"),
        ("", "content/atlas.yaml", "why: ", "why: Zyxt "),
    ],
)  # fmt: skip
def test_what_was_edited_is_composed_anew(house: House, command: str, name: str, old: str, new: str):
    arguments = command.split()
    (house.home / "progress.json").unlink(missing_ok=True)  # the map of who has begun has nothing to try
    before = house.prints(*arguments)
    assert house.prints(*arguments) == before
    house.edit(name, lambda text: text.replace(old, new, 1))
    after = house.prints(*arguments)
    house.forget()
    assert house.prints(*arguments) == after
    if "__init__" not in name:  # the version alone changes no text of a page
        assert after != before


def test_a_figure_that_was_measured_again_is_the_new_one(house: House):
    house.edit("content/gan/patchgan.md", lambda text: text + "\nIt is {{ figure gan/small.zyxx }} now.\n")
    seen = [house.prints("explain", "patchgan")]
    for old, new in (("measured:", "measured:\n  zyxx: 0.125"), ("zyxx: 0.125", "zyxx: 0.375")):
        house.edit("recipes/gan/small.yaml", lambda text, old=old, new=new: text.replace(old, new, 1))
        seen.append(house.prints("explain", "patchgan"))
    assert b"not yet measured now" in seen[0]
    assert b"It is 0.125 now" in seen[1]
    assert b"It is 0.375 now" in seen[2]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"COLUMNS": "80"}, {"COLUMNS": "100"}),
        ({"FORCE_COLOR": "1"}, {"FORCE_COLOR": "1", "NO_COLOR": "1"}),
        ({"FORCE_COLOR": "1", "TERM": "xterm"}, {"FORCE_COLOR": "1", "COLORTERM": "truecolor"}),
        ({"PYTHONIOENCODING": "utf-8"}, {"PYTHONIOENCODING": "ascii"}),
        ({"PYTHONIOENCODING": "utf-8"}, {"PYTHONIOENCODING": "cp1252"}),
    ],
    ids=["width", "NO_COLOR", "colours", "ascii", "cp1252"],
)
def test_another_terminal_gets_its_own(house: House, first: dict[str, str], second: dict[str, str]):
    command = ("explain", "kto", "--no-pager")
    one, two = house.prints(*command, **first), house.prints(*command, **second)
    assert one != two
    assert house.prints(*command, **first) == one
    assert house.prints(*command, **second) == two


def test_options_are_part_of_what_is_asked(house: House):
    lines = (
        "explain mamba", "explain mamba --section References", "explain mamba --json",
        "explain mamba --plain", "explain mamba --format markdown",
        "ls ssm", "ls", "ls --tree", "ls --json", "diagram gan", "diagram gan --step 2",
        "diagram gan --all-steps", "diagram gan --json", "diagram gan --step 2 -q",
    )  # fmt: skip
    commands = [line.split() for line in lines]
    first = [house.prints(*command) for command in commands]
    assert len(set(first)) == len(first) - 1  # -q changes what is said, not what is drawn
    assert [house.prints(*command) for command in commands] == first


def test_quiet_stays_quiet_and_the_hint_comes_back(house: House):
    for arguments, said in ((("ls",), b"next  atlas ls --tree  every topic"), (("ls", "-q"), b"")):
        for _ in range(2):
            assert house.start(*arguments).communicate()[1].strip() == said


def test_a_fault_is_not_kept(house: House):
    for _ in range(2):
        process = house.start("explain", "mambo")
        out, err = process.communicate()
        assert (process.returncode, out) == (2, b"")
        assert b"did you mean: atlas explain mamba" in err


def test_marks_of_runs_are_never_stale(house: House):
    run = house.work / "runs" / "genie-small-1"
    texts = [house.prints()]
    run.mkdir(parents=True)
    try:
        (run / "run.json").write_text("{}")
        texts.append(house.prints())
        (run / "result.json").write_text('{"verdicts": [{"passed": true}]}')
        texts.append(house.prints())
        (run / "result.json").write_text('{"verdicts": [{"passed": false}]}')
        texts.append(house.prints())
    finally:
        shutil.rmtree(run.parent)
    texts.append(house.prints())
    signs = [text.decode().split("genie", 1)[1][0] for text in texts]
    assert signs == [" ", "●", "✓", "✗", " "]


def test_eight_at_once_on_an_empty_shelf_print_the_same(house: House):
    house.forget()
    started = [house.start("explain", "ssm") for _ in range(8)]
    outputs = {process.communicate(timeout=240)[0] for process in started}
    assert [process.returncode for process in started] == [0] * 8
    assert outputs == {house.prints("explain", "ssm")}
    assert not [entry for entry in (house.home / "shelf").iterdir() if entry.name.startswith(".tmp-")]


def test_a_damaged_shelf_and_none_at_all_print_the_same(house: House, tmp_path: Path):
    before = house.prints("explain", "mae")
    for entry in (house.home / "shelf").iterdir():
        entry.write_bytes(entry.read_bytes()[:-3] + b"x\xff\x00")
    assert house.prints("explain", "mae") == before
    (tmp_path / "file").write_text("")
    assert house.prints("explain", "mae", ATLAS_HOME=str(tmp_path / "file")) == before


def test_head_ends_a_replay_quietly(house: House):
    house.prints("explain", "mamba")
    program = f"{' '.join(COMMAND)} explain mamba | head -1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", program], cwd=house.work, env=house.environment(),
        capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pseudo-terminals")
@pytest.mark.parametrize(
    "line", ["explain mamba", "explain mamba --no-pager", "ls", "diagram gan --no-animate"]
)
def test_a_terminal_gets_its_colours_and_its_pager_again(house: House, line: str):
    house.forget()
    first = on_a_terminal(house, line.split())
    assert on_a_terminal(house, line.split()) == first
    assert b"\x1b[" in first
    assert (b"paged: " in first) == (line == "explain mamba")


def on_a_terminal(house: House, arguments: list[str]) -> bytes:
    """What appears on a terminal of its own, with a pager that marks each line."""
    import pty

    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *arguments], cwd=house.work, stdin=terminal, stdout=terminal, stderr=terminal,
        env=house.environment(TERM="xterm-256color", LINES="24", ATLAS_PAGER="sed 's/^/paged: /'"),
    )  # fmt: skip
    os.close(terminal)
    shown = b""
    try:
        while piece := os.read(controller, 65536):
            shown += piece
    except OSError:  # Linux says so when the other end is closed
        pass
    os.close(controller)
    assert process.wait() == 0
    return shown


def test_a_long_text_is_paged_again_and_a_short_one_is_not(monkeypatch: pytest.MonkeyPatch, capsys):
    monkeypatch.setattr(kept._State, "used", True)
    asked = kept.request("x")
    assert asked is not None
    kept.shelf.put(asked.slot, asked.mark, {"out": "a\n" * 30, "err": "", "pages": True})
    paged: list[str] = []
    monkeypatch.setattr(pager, "page", paged.append)
    for lines, n_paged, n_printed in ((30, 1, 0), (31, 0, 30), (10, 1, 0)):
        paged.clear()
        monkeypatch.setattr(surroundings, "height", lambda lines=lines: lines)
        assert kept.replay(asked)
        assert (len(paged), capsys.readouterr().out.count("\n")) == (n_paged, n_printed)


def test_height_is_what_rich_says(monkeypatch: pytest.MonkeyPatch):
    from rich.console import Console

    for lines in ("17", "", "many"):
        monkeypatch.setenv("LINES", lines)
        assert surroundings.height() == Console().height
    monkeypatch.setattr(os, "get_terminal_size", lambda _: os.terminal_size((101, 33)))
    assert surroundings.height() == Console().height == 33


def test_a_program_that_calls_a_command_keeps_nothing():
    assert kept.request("explain", "mamba") is None
    assert not kept.replay(None)
    with kept.recording(None):
        assert kept.recorded() is None


def test_a_note_comes_back_with_what_was_printed(monkeypatch: pytest.MonkeyPatch, capsys):
    monkeypatch.setattr(kept._State, "used", True)
    asked = kept.request("noted")
    with kept.recording(asked):
        kept.note(["ddpm", ""])
    shown = kept.replay(asked)
    assert shown == kept.Shown(["ddpm", ""])
    kept.note("outside of a recording it is nobody's")
    assert kept.replay(asked) == shown
