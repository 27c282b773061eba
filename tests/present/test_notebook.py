"""A notebook that trains: tqdm's widget moves, and what was learned shows itself as a picture."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat", reason="the package nbclient is not installed")
nbclient = pytest.importorskip("nbclient", reason="the package nbclient is not installed")

TRAIN = """
from pathlib import Path
from atlas_cli.engine.build import Options
from atlas_cli.engine.trainer import execute
from atlas_cli.present.reporter import reporter
from atlas_cli.recipe import recipes

recipe = recipes.resolve("ddpm/smoke", ["train.steps=10", "train.threads=1", "train.precision=fp32"])
outcome = execute(recipe, Options(out=Path("runs"), device="cpu", watched=True), reporter())
outcome.artifact
"""


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::UserWarning")
def test_a_training_shows_itself_in_a_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = str(Path(__file__).parents[2])
    monkeypatch.setenv(
        "PYTHONPATH", os.pathsep.join([root, *os.environ.get("PYTHONPATH", "").split(os.pathsep)])
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(TRAIN)])
    resources = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3", resources=resources).execute()
    outputs = notebook.cells[0].outputs
    shown = [output for output in outputs if "data" in output]
    assert "image/png" in shown[-1].data
    assert any("application/vnd.jupyter.widget-view+json" in output.data for output in shown)
    text = "".join(output.get("text", "") for output in outputs)
    assert "\x1b" not in text
    grown = [output for output in shown if "held-out loss" in output.data.get("text/html", "")]
    assert len(grown) == 1  # each sample took the place of the one before
    assert "step 10/10" in grown[0].data["text/html"]
    assert "image/png" in grown[0].data
    assert "step" not in text
    assert not [output for output in outputs if output.get("name") == "stdout"]  # no picture in characters
