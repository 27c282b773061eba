"""The app finds its commands by their files, and imports no more of them than are wanted."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from atlas_cli import app, commands

HELP = {
    "Learn": ["learn", "ls", "explain", "diagram", "code", "quiz", "site"],
    "Train": ["train", "sample", "verify"],
    "Manage": ["prepare", "doctor", "schema", "recipe", "run"],  # groups come last
}


def run(program: str) -> str:
    command = [sys.executable, "-X", "utf8", "-c", program]
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout


def test_help_shows_the_commands_by_task(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "90")
    text = run("from atlas_cli.app import main; main(['--help'])")
    panels: dict[str, list[str]] = {}
    for line in text.splitlines():
        if title := re.match(r"╭─ (\w+) ─", line):
            panels[title[1]] = []
        elif command := re.match(r"│ ([a-z]+) ", line):
            panels[list(panels)[-1]].append(command[1])
    panels.pop("Options")
    for title, names in panels.items():
        known = HELP.get(title, [])
        assert [name for name in names if name in known] == known
        for name in set(names) - set(known):  # a command that was added, and declares its panel
            assert title == importlib.import_module(f"{commands.__name__}.{name}").PANEL
    assert list(panels)[: len(HELP)] == list(HELP) == list(app.PANELS)


@pytest.mark.parametrize("line", [["explain", "ddpm"], ["ls"], ["recipe", "ls"]])
def test_a_command_imports_no_other_one(line: list[str]) -> None:
    program = (
        "import atexit, sys\n"
        "said = sys.stdout\n"
        "own = 'atlas_cli.commands.'\n"
        "names = lambda: sorted(m.removeprefix(own) for m in sys.modules if m.startswith(own))\n"
        "atexit.register(lambda: print('\\n' + ' '.join(names()), file=said))\n"
        "from atlas_cli.app import main\n"
        f"main({line})"
    )
    imported = run(program).splitlines()[-1].split()
    assert [name for name in imported if not name.startswith("_")] == [line[0]]


def test_a_file_dropped_in_is_a_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "hello.py").write_text(
        'PANEL, PLACE = "Learn", 0\nLONG_RUNNING = True\n\ndef hello() -> None:\n    """Say hello."""\n'
    )
    (tmp_path / "_helper.py").write_text("")
    monkeypatch.setattr(commands, "__path__", [*commands.__path__, str(tmp_path)])
    assert "hello" in app.names()
    assert "_helper" not in app.names()
    shown = [command.callback.__name__ for command in app.build().registered_commands if command.callback]
    assert shown[:2] == ["hello", "learn"]
    sys.modules.pop("atlas_cli.commands.hello")


def test_the_collector_works_in_long_runs_alone() -> None:
    """A start is faster without it, a training needs it."""
    program = "import gc\nfrom atlas_cli import app\napp.build({!r})\nprint(gc.isenabled())"
    assert run(program.format("train")) == "True\n"
    assert run(program.format("explain")) == "False\n"
