"""Notebooks run from top to bottom: three by default, all with `-m learn`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import nbformat
import pytest

from atlas_cli.notebook import build
from tests.notebook.house import finished, notebook

nbclient = pytest.importorskip("nbclient", reason="the package nbclient is not installed")

ROOT = Path(__file__).resolve().parents[2]
QUICK = ["gan", "mamba", "rope"]
pytestmark = [
    pytest.mark.filterwarnings(
        "ignore::DeprecationWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
    ),
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::UserWarning"),
    pytest.mark.usefixtures("at_common_home"),
]


def executed(slug: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The notebook of a topic with its smallest recipe, written, read, and run in an empty folder."""
    others = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), *filter(None, others)]))
    made = nbformat.reads(build.content(notebook(slug, "smoke")).decode(), 4)
    resources = {"metadata": {"path": str(folder)}}
    nbclient.NotebookClient(made, timeout=900, kernel_name="python3", resources=resources).execute()
    return made


def check(slug: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {cell.id: cell.outputs for cell in notebook(slug, "smoke").cells if cell.cell_type == "code"}
    made = executed(slug, tmp_path, monkeypatch)
    trained = next(cell for cell in made.cells if cell.source.startswith("result = "))
    assert "text/html" in trained.outputs[-1].data
    assert (tmp_path / "runs" / f"{slug}-smoke-1" / "result.json").is_file()
    for cell in (cell for cell in made.cells if cell.cell_type == "code"):
        if cell.source.startswith("api.diagram("):  # as it was drawn when the notebook was written
            assert [output.data for output in cell.outputs] == [output.data for output in before[cell.id]]
        elif cell.source.startswith("api.check("):
            assert "Nothing is written yet" in cell.outputs[0].data["text/plain"]
        elif cell.source.startswith("api.sample("):
            assert cell.outputs[-1].data


@pytest.mark.parametrize("slug", QUICK)
def test_it_runs(slug: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check(slug, tmp_path, monkeypatch)


@pytest.mark.learn
@pytest.mark.parametrize("slug", [slug for slug in finished() if slug not in QUICK])
def test_every_other_runs(slug: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check(slug, tmp_path, monkeypatch)
