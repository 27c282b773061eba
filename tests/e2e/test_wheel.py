"""A wheel carries pages, recipes and assets, and works like a checkout from an empty folder."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.e2e.helpers import ROOT

SHIPPED = ("content", "recipes")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True, timeout=240)
    return next(folder.glob("*.whl"))


def test_every_page_and_recipe_ships(wheel: Path) -> None:
    held = set(zipfile.ZipFile(wheel).namelist())
    for name in SHIPPED:
        files = [p.relative_to(ROOT / name) for p in (ROOT / name).rglob("*") if p.is_file()]
        assert files
        assert {f"atlas_cli/_{name}/{p.as_posix()}" for p in files} <= held


def test_the_installed_wheel_works_in_an_empty_folder(wheel: Path, tmp_path: Path) -> None:
    site, empty = tmp_path / "site", tmp_path / "empty"
    empty.mkdir()
    zipfile.ZipFile(wheel).extractall(site)
    environment = {**os.environ, "PYTHONPATH": str(site), "ATLAS_HOME": str(tmp_path / "home")}
    for arguments, expected in (
        (["explain", "selective scan"], "Mamba"),
        (["recipe", "ls", "ddpm"], "ddpm/small"),
        (["diagram", "gan", "--no-animate"], "discriminator"),
        (["train", "ddpm/smoke", "--json"], "runs/ddpm-smoke-1"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "atlas_cli", *arguments], cwd=empty, env=environment, text=True,
            capture_output=True, stdin=subprocess.DEVNULL, timeout=240, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert expected in done.stdout
