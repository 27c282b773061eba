"""Runs are easy to handle: names whole, changes shown, curves on one axis, exports; all without torch."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from atlas_cli import catalog
from atlas_cli.commands import _series
from atlas_cli.errors import UsageError
from atlas_cli.present.charts import overlaid
from atlas_cli.runs.folder import Labels, RunFolder
from atlas_cli.runs.summary import short_changes
from atlas_cli.screen import terminal
from tests.commands.house import CommandLine, made_run, verdict
from tests.e2e.helpers import environment


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Three runs: one of them tagged and changed, one with an ablation beside it."""
    root = tmp_path / "runs"
    first = made_run(root, verdicts=[verdict(), verdict("gain", passed=False, figure=0.1)])
    inner = RunFolder(first.path / "ablation")
    inner.path.mkdir()
    for step, loss in enumerate((3.5, 3.4, 3.3), start=1):
        inner.append_metrics({"step": step, "loss": loss})
    made_run(root, overrides=["d_state=2"], verdicts=[verdict(figure=0.9)], labels=Labels(tags=("narrow",)))
    made_run(root, verdicts=None, losses=(0.1, 0.01, 1e-4), labels=Labels(name="my-own.run_1"))
    return root


@pytest.mark.parametrize("width", [40, 60, 80, 140])
@pytest.mark.usefixtures("root")
def test_names_of_runs_are_never_cut(
    atlas: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
    width: int,
) -> None:
    monkeypatch.setattr(terminal.out, "_width", width)
    said = atlas("run", "ls").out
    for name in ("mamba-induction-1", "mamba-induction-2", "my-own.run_1"):
        assert re.search(rf"(?m)^{re.escape(name)}( |$)", said)
    assert max(map(len, said.splitlines())) <= width
    if width >= 60:
        assert "d_state=2" in said
        assert "#narrow" in said


@pytest.mark.parametrize("command", ["ls", "show mamba-induction-1", "plot mamba-induction-1"])
def test_the_next_command_finds_a_run_in_another_folder(
    atlas: CommandLine, tmp_path: Path, command: str
) -> None:
    made_run(tmp_path / "elsewhere", verdicts=[verdict()])
    (following,) = re.findall(
        r"(?m)^next  atlas (run \S+ \S+)", atlas("run", *command.split(), "--out", "elsewhere").err
    )
    assert "elsewhere/mamba-induction-1" in following
    if "compare" not in following:  # which wants another run beside it
        assert atlas(*following.split()).code == 0


def test_what_a_series_changed_is_told_once(atlas: CommandLine, tmp_path: Path) -> None:
    tags = ("model.d_state=2", "mine")
    made_run(tmp_path / "runs", overrides=["d_state=2"], labels=Labels(tags=tags))
    said = atlas("run", "ls").out
    assert said.count("d_state=2") == 1
    assert "#mine" in said


@pytest.mark.usefixtures("root")
def test_the_list_is_an_object_and_may_be_of_one_tag(atlas: CommandLine) -> None:
    rows = atlas("run", "ls", "--json").document["runs"]
    assert [row["changes"] for row in rows] == [[], ["model.d_state: 16 -> 2"], []]
    (row,) = atlas("run", "ls", "--tag", "narrow", "--json").document["runs"]
    assert row["name"] == "mamba-induction-2"
    assert [run for run in catalog.runs_of(catalog.resolve("mamba")) if run.startswith("my-own")]


def test_a_name_is_taken_once(root: Path, atlas: CommandLine) -> None:
    for name, what in (
        ("my-own.run_1", "already"),
        ("latest", "cannot"),
        ("a/b", "cannot"),
        ("-x", "cannot"),
    ):
        said = atlas("train", "mamba/induction", f"--name={name}")
        assert said.code == 2
        assert what in said.err
    with pytest.raises(UsageError):
        RunFolder.create(root, "mamba/induction", labels=Labels(name="../x"))
    assert not (root.parent / "x").exists()


@pytest.mark.usefixtures("root")
def test_compare_lays_any_number_of_curves_over_one_axis(atlas: CommandLine, tmp_path: Path) -> None:
    names = ["mamba-induction-1", "mamba-induction-2", "my-own.run_1"]
    said = atlas("run", "compare", *names)
    assert said.code == 0, said.err
    for name in (*names, "mamba-induction-1 without the idea"):
        assert len(re.findall(rf"(?m)^ +[a-d]  {re.escape(name)} *$", said.out)) == 1, said.out
    assert "d_state: 16 -> 2" in said.out
    assert said.out.count("step") == 1
    assert (tmp_path / "runs/compare-loss.png").is_file()
    told = atlas("run", "compare", *names, "--json").document
    assert told["differences"]["recipe"] == {names[1]: ["model.d_state: 16 -> 2"], names[2]: []}
    assert told["differences"]["figures"]["accuracy"] == {names[0]: 0.95, names[1]: 0.9, names[2]: None}
    assert len(told["curves"]) == 4


def test_two_curves_share_their_axes() -> None:
    lines = overlaid({"high": [(0, 4.0), (10, 4.0)], "low": [(0, 0.0), (20, 0.0)]}, 40, 6, colours=False)
    text = [line.plain for line in lines]
    assert text[0].split() == ["4", "|" + "a" * 15]  # half of the axis
    assert text[5].split() == ["0", "|" + "b" * 29]
    assert text[-2:] == ["           a  high", "           b  low"]
    braille = overlaid({"high": [(0, 4.0), (10, 4.0)], "low": [(0, 0.0), (20, 0.0)]}, 40, 6, colours=True)
    assert "⠉" in braille[0].plain
    assert "⣀" in braille[5].plain
    assert len({span.style for line in braille for span in line.spans}) == 2
    assert overlaid({"nothing": [(0, float("nan"))]}, 40, 6, colours=False) == []
    logged = overlaid({"a": [(0, 100.0), (1, 1.0), (2, 0.01), (3, -1)]}, 40, 5, colours=False, log=True)
    assert logged[0].plain.split()[0] == "100"


@pytest.mark.usefixtures("root")
def test_runs_are_exported_as_a_table_and_as_one_page(atlas: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "runs/mamba-induction-1/samples/samples.txt").write_text("<a> & b")
    said = atlas("run", "export", "--save", "all.csv")
    assert said.out == "all.csv\n"
    assert said.err.splitlines()[1].startswith("next  atlas run export --format html")
    with (tmp_path / "all.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == ["mamba-induction-1", "mamba-induction-2", "my-own.run_1"]
    assert (rows[0]["accuracy"], rows[0]["held"], rows[1]["changes"]) == (
        "0.95",
        "1",
        "model.d_state: 16 -> 2",
    )
    atlas("run", "export", "--format", "html", "--json", "mamba-induction-1")
    page = (tmp_path / "runs.html").read_text(encoding="utf-8")
    assert "http" not in page.replace("http://www.w3.org", "")
    assert page.count("<polyline") == 2
    assert "&lt;a&gt; &amp; b" in page
    assert "gain is high" in page
    assert '<figcaption class="muted">samples.txt</figcaption>' in page
    said = atlas("run", "export", "--save", "no/such/place.csv")
    assert said.code == 4


def test_tensorboard_says_what_to_install(
    root: Path,
    atlas: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert root.is_dir()
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    said = atlas("run", "export", "--format", "tensorboard")
    assert said.code == 4
    assert "pip install 'atlas-cli[tensorboard]'" in said.err


def test_removing_and_plotting_tell_json(root: Path, atlas: CommandLine) -> None:
    told = atlas("run", "plot", "mamba-induction-1", "--json").document
    assert list(told["curves"]) == ["mamba-induction-1", "mamba-induction-1 without the idea"]
    assert atlas("run", "plot", "mamba-induction-1", "--metric", "lss").code == 2
    assert atlas("run", "rm", "-y", "mamba-induction-2", "--json").document == {
        "deleted": ["runs/mamba-induction-2"]
    }
    assert not (root / "mamba-induction-2").exists()


def test_changes_are_told_shortly() -> None:
    assert short_changes(["model.d_state: 16 -> 2", "train.seed: 0 -> 1"]) == "d_state=2 seed=1"


def test_a_sweep_is_every_combination() -> None:
    assert _series.swept(["d_state=2, 8", "train.betas=[0.9,0.95],[0.8,0.9]"]) == [
        ("d_state=2", "train.betas=[0.9,0.95]"), ("d_state=2", "train.betas=[0.8,0.9]"),
        ("d_state=8", "train.betas=[0.9,0.95]"), ("d_state=8", "train.betas=[0.8,0.9]"),
    ]  # fmt: skip
    assert _series.seeded(3, 2) == [("train.seed=3",), ("train.seed=4",)]
    for wrong in ("d_state", "=2", "d_state=2,,3", "d_state="):
        with pytest.raises(UsageError, match="KEY=VALUE"):
            _series.swept([wrong])


# Runs commands in one process of its own, and tells which heavy modules it holds and what it took.
COUNTED = """
import json, sys, time
from atlas_cli import app
codes = [app._run(line.split()) for line in sys.argv[1:]]
heavy = [name for name in ("torch", "torchvision", "sklearn", "textual") if name in sys.modules]
print(json.dumps({"codes": codes, "heavy": heavy, "seconds": time.process_time()}), file=sys.stderr)
"""


@pytest.mark.usefixtures("root")
def test_lists_comparisons_and_wrong_names_need_no_torch(tmp_path: Path) -> None:
    lines = {
        "run ls": 0, "run show mamba-induction-1": 0, "run compare mamba-induction-1 mamba-induction-2": 0,
        "run compare mamba-induction-1 nothing": 2, "run export": 0, "sample nothing": 2, "verify nothing": 2,
        "train --resume nothing": 2,
    }  # fmt: skip
    ran = subprocess.run(
        [sys.executable, "-c", COUNTED, *lines], cwd=tmp_path, env=environment(tmp_path / "home"), text=True,
        capture_output=True, check=True,
    )  # fmt: skip
    told = json.loads(ran.stderr.splitlines()[-1])
    assert told["codes"] == list(lines.values()), ran.stderr
    assert told["heavy"] == []


def test_a_group_alone_shows_its_help_and_no_traceback(atlas: CommandLine) -> None:
    told = atlas("run")
    assert told.code == 2
    assert "compare" in told.out
    assert told.err == ""
