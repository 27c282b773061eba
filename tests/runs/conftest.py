"""A run of somebody else, packed into a file, and a folder that takes it in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from atlas_cli.runs import checkpoint
from atlas_cli.runs.folder import RunFolder
from atlas_cli.runs.handing import pack
from tests.commands.house import made_run, verdict
from tests.engine.faults import state

Entries = dict[str, bytes]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Runs of somebody else; the first has three checkpoints."""
    root = tmp_path / "theirs"
    run = made_run(root, verdicts=[verdict()])
    for step in (1, 2, 3):
        checkpoint.save(run.checkpoints, state(step))
    (run.path / "environment.json").write_text(json.dumps({"atlas": "0", "argv": ["/home/anna/bin/atlas"]}))
    document = json.loads((run.path / "run.json").read_text())
    (run.path / "run.json").write_text(json.dumps({**document, "data_dir": "/home/anna/data"}))
    (run.samples / "samples.png").write_bytes(b"png")
    return root


@pytest.fixture
def run(root: Path) -> RunFolder:
    return RunFolder(root / "mamba-induction-1")


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A folder of runs that is not made yet."""
    return tmp_path / "mine"


@pytest.fixture
def file(run: RunFolder, tmp_path: Path) -> Path:
    return pack(run, tmp_path / "run.atlas").file
