"""Adding a kind adds files and edits none: one of each, dropped into a copy of the atlas, works at once.

The files lie in tests/added/, in the folders where they belong. Everything goes through the command line, in
processes that import the copy.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
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
            place, original = (root / path.relative_to(ADDED) for root in (tree, ROOT))
            assert not original.exists(), f"{original} would be edited"
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


def test_samples_that_are_no_pictures_are_not_said_to_be_missing(tree: Path, user: Path) -> None:
    # In plain words, as in a log: with --json nobody watches, and nothing is saved.
    watched = run(tree, user, "train", "drifter", "--recipe", "smoke", "--no-ablate", "--out", "seen")
    assert watched.returncode == 0, watched.stderr
    film = run(tree, user, "run", "film", "latest", "--out", "seen")
    assert film.returncode == 2
    assert "saved its samples as .ribbon, of which no film can be made" in film.stderr


def test_a_system_takes_options_of_its_own(tree: Path, user: Path, drifter: dict) -> None:
    assert document(tree, user, "sample", "drifter", "--count", "1", "--gusts", "7")["text"] == ["~~~~~~~"]
    wrong = run(tree, user, "sample", "drifter", "--gust", "7")
    assert wrong.returncode == 2
    assert "did you mean --gusts?" in wrong.stderr
    useless = run(tree, user, "sample", "drifter", "--prompt", "blow")
    assert useless.returncode == 2
    assert "drifter follows no prompt" in useless.stderr


def test_a_system_builds_on_two_runs_each_by_its_role(tree: Path, user: Path) -> None:
    out = ("--out", "duets")
    trained = document(tree, user, "train", "duet", "--recipe", "smoke", *out)
    info = json.loads((user / trained["run"] / "run.json").read_text(encoding="utf-8"))
    assert {role: base["recipe"] for role, base in info["bases"].items()} == {
        "left": "drifter/smoke", "right": "drifter/smoke"
    }  # fmt: skip
    names = [info["bases"][role]["run"] for role in ("left", "right")]
    assert len({*names, *(info["bases"][role]["weights"] for role in ("left", "right"))}) == 4
    (before,) = document(tree, user, "sample", "duet", *out, "--count", "1")["text"]
    left, right = (user / "duets" / name for name in names)
    for place, other in ((left, right.with_name("spare")), (right, left), (right.with_name("spare"), right)):
        place.rename(other)  # each base under the other's name: they are known by their weights
    assert document(tree, user, "sample", "duet", *out, "--count", "1")["text"] == [before]
    shutil.rmtree(left)  # where the right base lies now
    lost = run(tree, user, "sample", "duet", *out)
    assert lost.returncode == 3
    assert f"is built on weights {info['bases']['right']['weights']} of the run {right.name}" in lost.stderr


def test_a_language_model_writes(tree: Path, user: Path) -> None:
    trained = document(tree, user, "train", "murmur", "--recipe", "smoke")
    assert trained["figures"]["hush"] == 0.5
    assert 0 < trained["figures"]["bits_per_byte"] < 16
    (line,) = document(tree, user, "sample", "murmur", "--prompt", "def ", "--set", "length=5")["text"]
    assert line.startswith("def ")


def test_a_command_stands_in_help_and_runs(tree: Path, user: Path) -> None:
    assert "Say good day to a topic" in run(tree, user, "--help").stdout
    assert document(tree, user, "greet", "the VAE") == {"said": "good day, the VAE"}
    assert document(tree, user, "schema", "greet")["required"] == ["said"]


def test_the_lists_of_the_tests_need_no_new_entry(tree: Path, user: Path) -> None:
    """What counts the files of a kind finds the new ones by itself; nothing in tests/ is edited either."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "tests", tree / "tests", ignore=ignored, dirs_exist_ok=True)
    files = ["test_app.py", "data/test_sources.py", "present/artifacts/test_every_kind.py"]
    named = [f"tests/{file}" for file in files]
    schemas = "tests/commands/test_schema.py::test_every_command_takes_json_and_has_its_schema"
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-n",
        "0",
        "-c",
        ROOT / "pyproject.toml",
        "--rootdir",
        tree,
    ]
    done = subprocess.run(
        [*command, *named, schemas], cwd=tree, env={**os.environ, "PYTHONPATH": str(tree)},
        capture_output=True, encoding="utf-8",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert "ribbon" in listed(tree)


def listed(tree: Path) -> str:
    """The kinds of artifacts that their common test is run with."""
    program = "from tests.present.artifacts.test_every_kind import KINDS; print(*KINDS)"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tree, env={**os.environ, "PYTHONPATH": str(tree)},
        capture_output=True, encoding="utf-8", check=True,
    )  # fmt: skip
    return done.stdout
