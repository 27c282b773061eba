"""The `measured:` section: written from runs, replacing the old one and nothing else."""

from __future__ import annotations

import platform
import subprocess
from pathlib import Path

import pytest
import torch
import yaml

from atlas_cli.engine import device
from atlas_cli.engine.build import Options
from atlas_cli.engine.laptop import timed
from atlas_cli.engine.staleness import code_hash
from atlas_cli.engine.trainer import Outcome
from atlas_cli.engine.verdict import judge
from atlas_cli.engine.verification import (
    Verification,
    measured_text,
    verify_recipe,
    without_measured,
    write_timed,
)
from atlas_cli.errors import EnvironmentFault, UsageError
from atlas_cli.present.reporter import Reporter, SilentReporter
from atlas_cli.recipe import recipes
from atlas_cli.recipe.model import Recipe


def verification() -> Verification:
    recipe = recipes.resolve("ddpm/small")
    outcomes = []
    for accuracy in (0.98, 0.99, 1.0):
        figures, ablated = {"class_accuracy": accuracy}, {"class_accuracy": 0.5}
        verdicts = judge(recipe.expect, figures, ablated)
        outcomes.append(Outcome(None, figures, ablated, verdicts, 100.0, 0.0, 150.0))
    return Verification(recipe, outcomes)


def test_measured_holds_means_spreads_and_the_ablation() -> None:
    measured = verification().measured()
    assert measured["class_accuracy"] == 0.99
    assert measured["spread"]["class_accuracy"] == [0.98, 1.0]
    assert measured["without"] == {"class_accuracy": 0.5}
    assert measured["seconds"] == 100
    assert measured["seeds"] == [1, 2, 3]
    assert measured["spread_without"] == {"class_accuracy": [0.5, 0.5]}


def test_a_figure_may_not_be_called_as_a_part_of_the_section() -> None:
    found = verification()
    for outcome in found.outcomes:
        outcome.figures["spread"] = 1.0
    with pytest.raises(UsageError, match="a figure is called spread"):
        found.measured()


def test_measured_holds_the_rows_of_vary() -> None:
    found = verification()
    for outcome, value in zip(found.outcomes, (1.0, 2.0, 6.0), strict=True):
        outcome.varied = {"guidance=1.5": {"class_accuracy": value}}
    measured = found.measured()
    assert measured["vary"] == {"guidance=1.5": {"class_accuracy": 3.0}}
    assert measured["spread_vary"] == {"guidance=1.5": {"class_accuracy": [1.0, 6.0]}}
    assert yaml.safe_load(measured_text(measured))["measured"] == measured


def test_rows_of_fewer_seeds_than_the_run_say_which() -> None:
    found = verification()
    found.outcomes[0].varied = {"guidance=1.5": {"class_accuracy": 1.0}}
    measured = found.measured()
    assert measured["vary_seeds"] == [1]
    assert measured["vary"] == {"guidance=1.5": {"class_accuracy": 1.0}}


@pytest.mark.parametrize(
    ("rows", "trained"), [(None, [True] * 3), (1, [True, False, False]), (0, [False] * 3)]
)
def test_rows_are_trained_with_the_first_seeds(
    monkeypatch: pytest.MonkeyPatch, rows: int | None, trained: list[bool]
) -> None:
    asked: list[bool] = []

    def execute(recipe: Recipe, options: Options, reporter: Reporter) -> Outcome:
        asked.append(options.varied)
        return verification().outcomes[0]

    monkeypatch.setattr("atlas_cli.engine.verification.execute", execute)
    monkeypatch.setattr("atlas_cli.engine.verification.timed", lambda name, threads: {})
    options = Options(out=Path("runs"), varied=True)
    verify_recipe(recipes.resolve("ddpm/small"), options, SilentReporter(), 3, rows)
    assert asked == trained


def test_measured_says_on_what_it_was_measured() -> None:
    before = torch.get_num_threads()
    measured = verification().measured()
    assert torch.get_num_threads() == before
    assert measured["precision"] in ("fp32", "bf16")
    assert measured["device"] == device.choose_device("auto").type
    assert measured["cores"] == device.cores()
    assert measured["threads"] == device.threads(recipes.resolve("ddpm/small").train.threads)
    assert measured["python"] == platform.python_version()
    assert torch.__version__.startswith(measured["torch"])
    assert measured["code"] == code_hash(recipes.resolve("ddpm/small"))


def test_writing_measured_twice_leaves_one_and_keeps_the_rest() -> None:
    text = "# a comment\nsystem: ddpm\ntrain: {steps: 3}\n"
    measured = verification().measured()
    once = without_measured(text) + measured_text(measured)
    twice = without_measured(once) + measured_text(measured)
    assert once == twice
    assert once.startswith(text)
    assert yaml.safe_load(once)["measured"] == yaml.safe_load(measured_text(measured))["measured"] == measured


def test_what_a_laptop_needs_stands_beside_what_this_machine_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [{"threads": 2, "bf16": 120, "fp32_avx2": n} for n in (312, 298)]
    monkeypatch.setattr("atlas_cli.engine.verification.timed", lambda name, threads: found.pop(0))
    path = tmp_path / "own.yaml"
    before = "system: gan\nbase: gan/smoke\nmeasured:\n  accuracy: 0.9\n  seconds: 205\n  threads: 2\n"
    path.write_text(before, encoding="utf-8")
    recipe = recipes.resolve(path)
    for seconds in (312, 298):
        write_timed(recipe)
        line = f"seconds: 205\n  timed: {{threads: 2, bf16: 120, fp32_avx2: {seconds}}}\n"
        assert path.read_text(encoding="utf-8") == before.replace("seconds: 205\n", line)
    path.write_text("system: gan\nbase: gan/smoke\n", encoding="utf-8")
    with pytest.raises(UsageError, match="has no figures yet"):  # before anything is timed: nothing is left
        write_timed(recipe)


def test_steps_are_timed_in_processes_that_import_nothing_from_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "torch.py").write_text("raise SystemExit('the working folder was imported from')")
    path = tmp_path / "own.yaml"
    path.write_text("system: gan\nbase: gan/smoke\n", encoding="utf-8")
    found = timed("own.yaml", 1)
    assert {"threads", "fp32_avx2"} < found.keys()
    with pytest.raises(EnvironmentFault, match=r"could not be timed: nowhere\.yaml: there is no such file"):
        timed("nowhere.yaml", 1)


def test_this_machine_is_timed_with_its_own_instructions_whatever_the_shell_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    def run(command: list[str], env: dict[str, str], **_: object) -> subprocess.CompletedProcess[str]:
        asked.append(env.get("ATEN_CPU_CAPABILITY"))
        estimate = '{"estimate": {"precision": "bf16", "train_seconds": 1.0}}'
        return subprocess.CompletedProcess(command, 0, estimate, "")

    monkeypatch.setenv("ATEN_CPU_CAPABILITY", "default")
    monkeypatch.setattr("atlas_cli.engine.laptop.subprocess.run", run)
    timed("gan/smoke", 1)
    assert asked == [None, "avx2"]
