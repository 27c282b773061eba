"""Adding a kind adds files and edits none: one of each, dropped into a copy of the atlas, works at once.

The files lie in tests/added/, in the folders where they belong. Everything goes through the command line, in
processes that import the copy.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.helpers import ROOT, atlas

ADDED = Path(__file__).parent / "added"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the atlas with the new files in it."""
    tree = tmp_path_factory.mktemp("tree")
    for name in ("atlas_cli", "content", "recipes"):
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    for path in sorted(ADDED.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            place = tree / path.relative_to(ADDED)
            assert not place.exists(), f"{place} would be edited"
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, place)
    return tree


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the commands run in."""
    return tmp_path_factory.mktemp("user")


def run(tree: Path, user: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    done = atlas(*arguments, cwd=user, PYTHONPATH=str(tree))
    assert "Traceback" not in done.stderr, done.stderr
    return done


def document(tree: Path, user: Path, *arguments: str) -> dict:
    """What a command answers with --json."""
    done = run(tree, user, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def drifter(tree: Path, user: Path) -> dict:
    """A trained run of the new system, on the new data."""
    return document(tree, user, "train", "drifter", "--recipe", "smoke")


def test_a_system_is_listed_explained_and_trained(tree: Path, user: Path, drifter: dict) -> None:
    assert "drifter" in run(tree, user, "ls", "flow").stdout
    assert "Leaves in the wind" in run(tree, user, "explain", "drifter").stdout
    assert "class Drifter" in run(tree, user, "code", "drifter").stdout
    assert "drifter/smoke" in run(tree, user, "recipe", "ls", "drifter").stdout
    assert drifter["figures"]["speed_error"] < 0.1


def test_a_data_source_serves_what_learns_from_its_kind(tree: Path, user: Path, drifter: dict) -> None:
    (file,) = (user / "runs").glob("drifter-smoke-*/recipe.yaml")
    assert "name: trade_winds" in file.read_text(encoding="utf-8")
    wrong = run(tree, user, "train", "drifter", "--recipe", "smoke", "--data", "trade_wind")
    assert wrong.returncode == 2
    assert "did you mean trade_winds?" in wrong.stderr
    other = run(tree, user, "train", "ddpm", "--recipe", "smoke", "--data", "trade_winds")
    assert other.returncode == 2
    assert "trade_winds holds winds, the system learns from images" in other.stderr


def test_an_artifact_saves_prints_and_describes_itself(tree: Path, user: Path, drifter: dict) -> None:
    shown = run(tree, user, "sample", "drifter", "--count", "3")
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.splitlines()[:3] == ["~~~~", "~~~~", "~~~~"]
    answer = document(tree, user, "sample", "drifter", "--count", "2")
    assert answer["text"] == ["~~~~", "~~~~"]
    (file,) = answer["files"]
    assert file.endswith(".ribbon")
    assert (user / file).read_text(encoding="utf-8") == "~~~~\n~~~~\n"


def test_a_system_takes_options_of_its_own(tree: Path, user: Path, drifter: dict) -> None:
    assert document(tree, user, "sample", "drifter", "--count", "1", "--gusts", "7")["text"] == ["~~~~~~~"]
    wrong = run(tree, user, "sample", "drifter", "--gust", "7")
    assert wrong.returncode == 2
    assert "did you mean --gusts?" in wrong.stderr
    useless = run(tree, user, "sample", "drifter", "--prompt", "blow")
    assert useless.returncode == 2
    assert "drifter follows no prompt" in useless.stderr


def test_a_language_model_writes(tree: Path, user: Path) -> None:
    trained = document(tree, user, "train", "murmur", "--recipe", "smoke")
    assert trained["figures"]["hush"] == 0.5
    assert 0 < trained["figures"]["bits_per_byte"] < 16
    (line,) = document(tree, user, "sample", "murmur", "--prompt", "def ", "--set", "length=5")["text"]
    assert line.startswith("def ")


def test_a_command_stands_in_help_and_runs(tree: Path, user: Path) -> None:
    assert "Say good day to a topic" in run(tree, user, "--help").stdout
    assert document(tree, user, "greet", "the VAE") == {"said": "good day, the VAE"}
