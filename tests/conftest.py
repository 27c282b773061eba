"""Fixtures for every test: shape checks on, few threads, a private cache and runs folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")  # small tensors: more threads are slower
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("MPLBACKEND", "Agg")

from filelock import FileLock
from jaxtyping import install_import_hook

collect_ignore = ["added"]  # files for a copy of the atlas, their tests among them

# Every jaxtyping signature is checked while the tests run.
install_import_hook(["atlas_cli.systems", "atlas_cli.nets", "atlas_cli.metrics"], "beartype.beartype")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One process more than there are cores: a test often waits for a browser or a command."""
    from atlas_cli.ranks import cores

    return cores() + 1


@pytest.fixture(autouse=True)
def _private_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the user's caches, runs or terminal settings."""
    monkeypatch.setenv("ATLAS_HOME", str(tmp_path / "home"))
    for name in ("NO_COLOR", "FORCE_COLOR", "ATLAS_DATA", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def common_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that every test of this run may share, whichever process it is in.

    What it keeps is made by the sources as they are now: pictures of the explorables, drawn digits.
    """
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "common-home"
    folder.mkdir(exist_ok=True)
    return folder


class WholeSite(NamedTuple):
    """A built site: its folder, and what `atlas site FOLDER --json` said."""

    folder: Path
    said: dict[str, Any]


@pytest.fixture(scope="session")
def whole_site(common_home: Path) -> WholeSite:
    """The whole site, built once for all processes by the command; a test that changes it works on a copy."""
    folder = common_home.parent / "whole-site"
    said = folder.with_suffix(".json")
    with FileLock(folder.with_suffix(".lock")):
        if not said.exists():
            command = [sys.executable, "-m", "atlas_cli", "site", str(folder), "--json"]
            environment = os.environ | {"ATLAS_HOME": str(common_home)}
            done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
            said.write_text(done.stdout, encoding="utf-8")
    return WholeSite(folder, json.loads(said.read_text(encoding="utf-8")))


@pytest.fixture
def at_common_home(_private_places: None, common_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This test makes nothing anew that another has made."""
    monkeypatch.setenv("ATLAS_HOME", str(common_home))


@pytest.fixture
def tiny_images():
    """Forty 8x8 grey images of ten classes."""
    import torch

    from atlas_cli.data.images import ImageSource

    random = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (60, 1, 8, 8), generator=random, dtype=torch.uint8)
    labels = torch.arange(60) % 10
    names = [str(i) for i in range(10)]
    return ImageSource("tiny", images[:40], labels[:40], images[40:], labels[40:], names)
