"""From recipe to verdict: parents are trained once, ablations run beside, results are written down."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from atlas_cli.engine.build import Options, settled
from atlas_cli.engine.trainer import execute, trained_parents
from atlas_cli.errors import DivergedError
from atlas_cli.present.reporter import SilentReporter
from atlas_cli.recipe import recipes
from atlas_cli.runs import checkpoint
from atlas_cli.runs.find import list_runs
from atlas_cli.runs.folder import RunFolder
from atlas_cli.systems.diffusion.ddpm import DDPM

TINY = ["train.steps=3", "train.precision=fp32", "train.threads=1"]


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """A figure that needs no judge: how many denoising steps the sampler takes."""
    monkeypatch.setattr(DDPM, "evaluate", lambda self: {"visited": float(len(self.timesteps()))})


def recipe(tmp_path: Path, text: str = "", *overrides: str) -> recipes.Recipe:
    path = tmp_path / "mine.yaml"
    path.write_text(f"system: ddpm\nbase: ddpm/smoke\n{text}", encoding="utf-8")
    return recipes.resolve(path, [*TINY, *overrides])


def child(tmp_path: Path, *overrides: str) -> recipes.Recipe:
    """A recipe that is built on a run of another: ddim, which trains nothing itself."""
    base = tmp_path / "base.yaml"
    base.write_text("system: ddpm\nbase: ddpm/smoke\ntrain: {steps: 3, threads: 1}\n", encoding="utf-8")
    path = tmp_path / "child.yaml"
    path.write_text("system: ddim\nbase: ddim/smoke\nfrom: base.yaml\n", encoding="utf-8")
    return recipes.resolve(path, ["train.precision=fp32", "train.threads=1", *overrides])


def options(tmp_path: Path, **fields: object) -> Options:
    return Options(out=tmp_path / "runs", device="cpu", **fields)  # type: ignore[arg-type]


def test_a_parent_is_trained_once_for_its_weights_alone_found_again_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(self: DDPM) -> dict[str, float]:
        raise AssertionError("nobody asked for a verdict on the parent")

    monkeypatch.setattr(DDPM, "evaluate", never)
    first, second = (execute(child(tmp_path), options(tmp_path), SilentReporter()) for _ in range(2))
    assert first.run is not None
    assert second.run is not None
    trained = [run.info["recipe"] for run in list_runs(tmp_path / "runs")]
    assert trained == ["ddpm/base", "ddim/child", "ddim/child"]
    assert first.run.bases == second.run.bases
    (base,) = first.run.bases.values()  # type: ignore[union-attr]
    parent = RunFolder(tmp_path / "runs" / base.run)
    newest, _ = checkpoint.newest_valid(parent.checkpoints)
    assert (parent.name, base.weights) == ("ddpm-base-1", checkpoint.weights_hash(newest))
    assert not list(parent.samples.iterdir())


def test_an_interrupted_parent_goes_on(tmp_path: Path) -> None:
    recipe = settled(child(tmp_path), options(tmp_path)).parents["parent"]
    begun = execute(recipe, options(tmp_path, weights_only=True), SilentReporter()).run
    assert begun is not None
    rows = begun.read_metrics()
    begun.clear_result()
    assert begun.status == "interrupted"
    execute(child(tmp_path), options(tmp_path), SilentReporter())
    assert [run.info["recipe"] for run in list_runs(tmp_path / "runs")].count("ddpm/base") == 1
    assert begun.status == "complete"
    assert begun.read_metrics() == rows


def test_a_child_gets_its_parents_averaged_weights_frozen(tmp_path: Path) -> None:
    bases, parents = trained_parents(child(tmp_path), options(tmp_path), SilentReporter())
    folder = RunFolder(tmp_path / "runs" / bases["parent"].run).checkpoints
    average = checkpoint.load(checkpoint.newest_valid(folder)[0]).ema
    assert average is not None
    for n, parameter in parents["parent"].named_parameters():
        assert torch.equal(parameter, average[n])
        assert not parameter.requires_grad


def test_another_parent_recipe_is_another_parent(tmp_path: Path) -> None:
    execute(child(tmp_path), options(tmp_path), SilentReporter())
    execute(child(tmp_path, "train.seed=1"), options(tmp_path), SilentReporter())
    trained = [run.info["recipe"] for run in list_runs(tmp_path / "runs")]
    assert trained.count("ddpm/base") == 2


@pytest.mark.usefixtures("figures")
def test_an_ablation_of_the_sampler_reuses_the_weights(tmp_path: Path) -> None:
    text = "ablate: {sampler_steps: 1}\nexpect: {visited_gain: {min: 2, claim: more steps}}\n"
    outcome = execute(recipe(tmp_path, text), options(tmp_path), SilentReporter())
    assert outcome.figures == {"visited": 4.0}
    assert outcome.ablated == {"visited": 1.0}
    assert outcome.ablation_seconds == 0
    assert outcome.met
    assert outcome.run is not None
    assert not (outcome.run.path / "ablation").exists()
    written = json.loads((outcome.run.path / "result.json").read_text(encoding="utf-8"))
    assert written["verdicts"][0]["passed"] is True
    assert outcome.run.status == "complete"


@pytest.mark.usefixtures("figures")
def test_an_ablation_of_the_training_is_trained_in_its_own_folder(tmp_path: Path) -> None:
    text = "ablate: {label_dropout: 0.0}\nexpect: {visited_gain: {max: 0, claim: as many}}\n"
    outcome = execute(recipe(tmp_path, text), options(tmp_path), SilentReporter())
    assert outcome.run is not None
    inner = RunFolder(outcome.run.path / "ablation")
    assert "label_dropout: 0.0" in inner.recipe_text
    assert [row["step"] for row in inner.read_metrics()] == [3]
    assert outcome.ablation_seconds > 0
    assert outcome.met


@pytest.mark.usefixtures("figures")
def test_rows_of_vary_are_measured_where_somebody_asks(tmp_path: Path) -> None:
    text = "vary:\n  sampler_steps: [1, 2]\n  all labels: {label_dropout: 0.0}\n"
    varied = recipe(tmp_path, text)
    outcome = execute(varied, options(tmp_path, varied=True), SilentReporter())
    assert outcome.figures == {}  # nothing is claimed
    assert outcome.varied == {
        "sampler_steps=1": {"visited": 1.0},
        "sampler_steps=2": {"visited": 2.0},
        "all labels": {"visited": 4.0},
    }
    assert outcome.run is not None
    assert "label_dropout: 0.0" in RunFolder(outcome.run.path / "vary-2").recipe_text
    assert not (outcome.run.path / "vary-0").exists()  # the same weights, sampled otherwise
    assert execute(varied, options(tmp_path), SilentReporter()).varied == {}


@pytest.mark.usefixtures("figures")
def test_without_the_ablation_its_claims_are_not_judged(tmp_path: Path) -> None:
    text = "ablate: {sampler_steps: 1}\nexpect: {visited_gain: {min: 2, claim: more steps}}\n"
    outcome = execute(recipe(tmp_path, text), options(tmp_path, ablate=False), SilentReporter())
    assert [v.passed for v in outcome.verdicts] == [None]
    assert not outcome.met


def test_a_diverged_run_is_marked_as_failed(tmp_path: Path) -> None:
    with pytest.raises(DivergedError):
        execute(recipe(tmp_path, "", "train.lr=1000", "train.warmup=0"), options(tmp_path), SilentReporter())
    (run,) = list_runs(tmp_path / "runs")
    assert run.status == "failed"


def test_a_run_folder_holds_all_that_the_run_was(tmp_path: Path) -> None:
    outcome = execute(recipe(tmp_path), options(tmp_path), SilentReporter())
    assert outcome.run is not None
    held = {str(p.relative_to(outcome.run.path)) for p in outcome.run.path.rglob("*") if p.is_file()}
    assert held >= {
        "run.json", "recipe.yaml", "environment.json", "metrics.jsonl", "result.json", "loss.png",
        "samples/samples.png", "samples/samples.gif", "checkpoints/step-00000003/manifest.json",
    }  # fmt: skip
    again = recipes.of_run(outcome.run.path)
    assert again.hash == outcome.run.info["hash"]
