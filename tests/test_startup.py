"""A start that finds its answer on the shelf imports little and does little: a guard without a clock.

tests/benchmarks/test_startup_speed.py holds every page to processor time; this one runs wherever tests run.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from atlas_cli import catalog, paths
from tests.e2e.helpers import ROOT, environment

FORBIDDEN = {
    "torch", "numpy", "pydantic", "yaml", "markdown_it", "matplotlib", "textual", "pygments", "rich.console",
    "rich.markdown", "rich.text", "atlas_cli.catalog", "atlas_cli.pages", "atlas_cli.diagrams",
}  # fmt: skip
MOST_MODULES = 25  # beside those that typer and rich have brought
MOST_CALLS = 13_000  # of Python and of C, past those imports; composing a page takes ten times that
CALLS_A_FILE = 8  # each file of the atlas is looked at, none is read

# Counts what a command imports and calls, beyond `import typer, rich`.
COUNTED = """
import json, sys
import typer, rich
from typer import rich_utils
before, calls = set(sys.modules), 0

def count(frame, event, argument):
    global calls
    calls += event in ("call", "c_call")

from atlas_cli import app
sys.setprofile(count)
try:
    app.main(sys.argv[1:])
except SystemExit as end:
    sys.setprofile(None)
    found = {"code": end.code, "calls": calls, "modules": sorted(set(sys.modules) - before)}
    print(json.dumps(found), file=sys.stderr)
"""


def longest() -> list[str]:
    """The slugs of the three longest pages."""
    pages = sorted(catalog.topics(), key=lambda topic: -topic.path.stat().st_size)
    return [topic.slug for topic in pages[:3]]


def n_files() -> int:
    """Files of the atlas, which a start looks at."""
    roots = (ROOT / "atlas_cli", paths.content_dir(), paths.recipes_dir())
    return sum(
        path.is_file() and "__pycache__" not in path.parts for root in roots for path in root.rglob("*")
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


def counted(home: Path, arguments: list[str]) -> dict[str, Any]:
    ran = subprocess.run(
        [sys.executable, "-c", COUNTED, *arguments], cwd=home, env=environment(home, COLUMNS="80"),
        capture_output=True, text=True, stdin=subprocess.DEVNULL, check=True,
    )  # fmt: skip
    found = json.loads(ran.stderr.splitlines()[-1])
    assert found["code"] == 0
    return found


@pytest.mark.parametrize(
    "arguments",
    [[], ["ls"], ["explain", "ssm"], *(["explain", slug] for slug in longest()), ["diagram", "mamba"]],
    ids=lambda arguments: " ".join(arguments) or "map",
)
def test_what_was_shown_before_is_shown_with_few_imports_and_calls(home: Path, arguments: list[str]):
    counted(home, arguments)
    again = counted(home, arguments)
    heavy = {name for name in again["modules"] if {name, name.split(".")[0]} & FORBIDDEN}
    assert not heavy
    assert len(again["modules"]) <= MOST_MODULES, again["modules"]
    assert again["calls"] <= MOST_CALLS + CALLS_A_FILE * n_files()


def test_the_map_of_who_has_begun_is_shown_again_as_cheaply(tmp_path: Path):
    counted(tmp_path, ["explain", "ddpm"])
    counted(tmp_path, [])
    counted(tmp_path, ["explain", "ddpm"])  # what was done before changes no step
    again = counted(tmp_path, [])
    assert not {name for name in again["modules"] if {name, name.split(".")[0]} & FORBIDDEN}
    assert len(again["modules"]) <= MOST_MODULES, again["modules"]
    assert again["calls"] <= MOST_CALLS + CALLS_A_FILE * n_files()


@pytest.mark.parametrize("arguments", [["explain", "ddpm"], ["diagram", "mamba"], []], ids=" ".join)
def test_a_first_showing_imports_nothing_heavy_and_parses_no_yaml_twice(tmp_path: Path, arguments: list[str]):
    counted(tmp_path, ["ls", "--tree"])
    counted(tmp_path, ["diagram", "ddpm"])  # its family's diagrams are parsed
    counted(tmp_path, ["explain", "ddpm", "--section", "References"])
    found = set(counted(tmp_path, arguments)["modules"])
    assert not found & {
        "torch", "pydantic", "numpy", "matplotlib", "textual", "pygments", "rich.markdown", "markdown_it",
    }  # fmt: skip
    assert "importlib.metadata" not in found
    assert "yaml" not in found


def test_a_network_whose_layers_fill_themselves_is_built_without_the_compiler_of_torch(tmp_path: Path):
    """Which takes longer to load than all the rest of a short sample."""
    code = """
import sys
from pathlib import Path
from atlas_cli.engine.build import Options, build
from atlas_cli.present.reporter import SilentReporter
from atlas_cli.recipe import recipes
for name in ("gpt/smoke", "gan/smoke", "cfm/smoke"):
    build(recipes.resolve(name), Options(Path("runs"), device="cpu"), SilentReporter())
assert "torch" in sys.modules
assert "torch._dynamo" not in sys.modules
"""
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment(tmp_path), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
