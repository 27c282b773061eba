"""The command line, as the tests of the commands call it."""

from __future__ import annotations

from pathlib import Path

import pytest

from atlas_cli.screen import terminal
from tests.commands.house import CommandLine


@pytest.fixture
def atlas(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> CommandLine:
    """The command line, in an empty folder that is as wide as a terminal of 80 columns."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(terminal.out, "_width", 80)
    monkeypatch.setattr(terminal.err, "_width", 80)
    return CommandLine(capsys, tmp_path)
