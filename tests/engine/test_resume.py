"""One small run as it is stopped, damaged, resumed, changed and sampled: faults 4, 5, 6, 9, 11, 12 and 15."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from atlas_cli import app
from atlas_cli.recipe import recipes
from atlas_cli.runs import checkpoint
from atlas_cli.runs.find import find_by_hash
from atlas_cli.runs.folder import RunFolder
from atlas_cli.systems.transformer.gpt import GPT
from tests.engine.faults import posix

TRAIN = ["train", "gpt/smoke", "--set", "train.steps=4", "--set", "train.checkpoint_every=2", "--no-ablate"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of runs with one that is complete: four steps, checkpoints of the second and the fourth."""
    root = tmp_path_factory.mktemp("house") / "runs"
    assert app._run([*TRAIN, "--out", str(root)]) == 0
    return root


@pytest.fixture
def runs(trained: Path, tmp_path: Path) -> Path:
    """A copy, to be changed."""
    return Path(shutil.copytree(trained, tmp_path / "runs"))


def atlas(runs: Path, *arguments: str) -> int:
    return app._run([*arguments, "--out", str(runs)])


def only(runs: Path) -> RunFolder:
    return RunFolder(runs / "gpt-smoke-1")


# --- row 12 of the faults: other settings ------------------------------------------------------------


def test_fewer_steps_than_are_done_are_refused(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert atlas(runs, "train", "--resume", "latest", "--set", "train.steps=3") == 2
    assert "has done 4 steps already, and 3 are asked for" in capsys.readouterr().err
    assert only(runs).status == "complete"


def test_a_change_that_would_train_nothing_is_refused(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert atlas(runs, "train", "--resume", "latest", "--set", "train.lr=0.5") == 2
    said = capsys.readouterr().err
    assert "gpt-smoke-1 is complete" in said
    assert "--set train.steps=8" in said


def test_more_steps_go_on_and_make_it_another_recipe(runs: Path) -> None:
    run = only(runs)
    before, data = run.info["hash"], str(run.data)
    changes = ["--set", "train.steps=6", "--set", "train.lr=0.02"]
    assert atlas(runs, "train", "--resume", "latest", "--no-ablate", *changes) == 0
    run = only(runs)
    assert (run.status, run.steps_done) == ("complete", 6)
    assert [row["step"] for row in run.read_metrics()][-1] == 6
    assert recipes.of_run(run.path).train.lr == 0.02
    assert recipes.of_run(run.path).hash == run.info["hash"] != before
    assert find_by_hash(runs, before, data) is None  # a child of the run as it was does not get this one
    assert find_by_hash(runs, run.info["hash"], data) == run
    state = checkpoint.load(checkpoint.path_of(run.checkpoints, 6))
    rates = {group["initial_lr"] for o in state.optimizers.values() for group in o["param_groups"]}
    assert rates == {0.02}  # what is asked for is what the optimizers take


def test_a_resume_without_changes_leaves_the_recipe_as_it_is(runs: Path) -> None:
    run = only(runs)
    (run.path / "result.json").unlink()
    kept = {name: (run.path / name).read_bytes() for name in ("run.json", "recipe.yaml")}
    assert atlas(runs, "train", "--resume", "latest", "--no-ablate") == 0
    assert {name: (run.path / name).read_bytes() for name in kept} == kept


# --- rows 4 and 15: values that are wrong -------------------------------------------------------------


def optimizers_of_another(state: checkpoint.TrainState) -> checkpoint.TrainState:
    (name, fields), *_ = state.optimizers.items()
    return replace(state, optimizers={**state.optimizers, name: {**fields, "param_groups": []}})


def moments_of_another_shape(state: checkpoint.TrainState) -> checkpoint.TrainState:
    (name, fields), *_ = state.optimizers.items()
    wrong = {place: {n: torch.zeros(3) for n in values} for place, values in fields["state"].items()}
    return replace(state, optimizers={**state.optimizers, name: {**fields, "state": wrong}})


def moments_that_are_nan(state: checkpoint.TrainState) -> checkpoint.TrainState:
    for fields in state.optimizers.values():
        for values in fields["state"].values():
            for tensor in values.values():
                tensor.fill_(torch.nan)
    return state


def weights_that_are_nan(state: checkpoint.TrainState) -> checkpoint.TrainState:
    next(iter(state.weights.values())).fill_(torch.nan)
    return state


@pytest.mark.parametrize(
    "damage", [optimizers_of_another, moments_of_another_shape, moments_that_are_nan, weights_that_are_nan]
)
def test_a_checkpoint_with_wrong_values_is_passed_over_by_a_resume(
    runs: Path, capsys: pytest.CaptureFixture[str], damage
) -> None:
    run = only(runs)
    good = checkpoint.weights_hash(checkpoint.path_of(run.checkpoints, 4))
    checkpoint.save(run.checkpoints, damage(checkpoint.load(checkpoint.path_of(run.checkpoints, 4))))
    (run.path / "result.json").unlink()
    assert atlas(runs, "train", "--resume", "latest", "--no-ablate") == 0
    said = capsys.readouterr().err
    assert "skipped step-00000004" in said
    assert "after step 2" in said
    assert checkpoint.weights_hash(checkpoint.path_of(run.checkpoints, 4)) == good


# --- rows 7 and 9: signals outside the training loop --------------------------------------------------


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_evaluating_stops_there_and_a_resume_judges(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def evaluate(self: GPT) -> dict[str, float]:
        os.kill(os.getpid(), number)
        raise AssertionError("the work went on")

    steps = ["--set", "train.steps=2", "--ablate"]
    with monkeypatch.context() as patched:
        patched.setattr(GPT, "evaluate", evaluate)
        assert atlas(tmp_path, "train", "gpt/smoke", *steps) == 128 + number
    said = capsys.readouterr().err
    assert "the weights of step 2 are kept" in said
    assert f"atlas train --resume {only(tmp_path).reference}" in said
    assert "stopping after this step" not in said
    monkeypatch.setattr(GPT, "evaluate", lambda self: {"bits_per_byte": 1.0})
    assert atlas(tmp_path, "train", "--resume", "gpt-smoke-1", "--ablate") == 0
    assert only(tmp_path).status == "complete"


@posix
def test_a_closed_terminal_stops_the_training_after_its_step(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = GPT.batch

    def batch(self: GPT, step: int):
        if step == 1:
            os.kill(os.getpid(), signal.SIGHUP)
        return real(self, step)

    monkeypatch.setattr(GPT, "batch", batch)
    assert atlas(tmp_path, *TRAIN) == 129
    assert "stopped after step 2; its checkpoint is written" in capsys.readouterr().err
    assert only(tmp_path).steps_done == 2


# --- rows 5 and 6: places -----------------------------------------------------------------------------


def test_a_run_folder_that_is_removed_ends_the_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = GPT.batch

    def batch(self: GPT, step: int):
        if step == 1:
            shutil.rmtree(tmp_path / "gpt-smoke-1")
        return real(self, step)

    monkeypatch.setattr(GPT, "batch", batch)
    assert atlas(tmp_path, *TRAIN) == 4
    assert "cannot write" in capsys.readouterr().err


@pytest.fixture
def read_only(runs: Path):
    """The runs, on a disk that takes nothing."""
    for options in (["--bind", str(runs), str(runs)], ["-o", "remount,bind,ro", str(runs)]):
        if shutil.which("mount") is None or subprocess.run(["mount", *options], check=False).returncode:
            pytest.skip("only root may mount")
    yield runs
    subprocess.run(["umount", str(runs)], check=True)


SAMPLE = ["sample", "gpt-smoke-1", "--set", "length=5"]


def test_on_a_read_only_disk_samples_and_curves_are_shown(
    read_only: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert atlas(read_only, *SAMPLE) == 0
    shown = capsys.readouterr()
    assert shown.out
    assert f"not saved: {read_only / 'gpt-smoke-1/samples'} is read-only" in shown.err
    assert atlas(read_only, "run", "plot", "gpt-smoke-1") == 0
    assert "is read-only" in capsys.readouterr().err
    assert atlas(read_only, *SAMPLE, "--save", str(read_only / "mine")) == 4
    assert atlas(read_only, *SAMPLE, "--save", str(tmp_path / "mine")) == 0


@pytest.mark.parametrize(
    ("place", "code"), [("file", 4), ("file/below", 4), ("/proc/nosuch/x", 4), ("a" * 300, 2)]
)
def test_a_place_that_takes_no_samples_is_refused_before_the_work(
    runs: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    place: str,
    code: int,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("")
    monkeypatch.setattr(GPT, "sample", lambda *_: pytest.fail("it was sampled"))
    assert atlas(runs, *SAMPLE, "--save", place) == code
    said = capsys.readouterr().err
    assert ("--save FOLDER" if code == 4 else "the folder of the samples (--save)") in said
    assert len(said) < 600


@pytest.fixture
def in_the_way(runs: Path) -> Path:
    """The runs, where a file has taken the place of the folder of samples."""
    samples = only(runs).samples
    shutil.rmtree(samples)
    samples.write_text("mine")
    return runs


def test_where_a_file_is_in_the_way_samples_are_shown(
    in_the_way: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert atlas(in_the_way, *SAMPLE) == 0
    shown = capsys.readouterr()
    assert shown.out
    assert f"not saved: {only(in_the_way).samples} is not a folder" in shown.err
    assert atlas(in_the_way, *SAMPLE, "--json") == 0
    assert json.loads(capsys.readouterr().out)["files"] == []
    for command in ("show", "ls", "plot"):
        assert atlas(in_the_way, "run", command) == 0


def test_a_run_in_whose_way_a_file_is_goes_no_further(
    in_the_way: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(GPT, "batch", lambda *_: pytest.fail("it was trained"))
    run = only(in_the_way)
    more = ["train", "--resume", "latest", "--no-ablate", "--set", "train.steps=6"]
    assert atlas(in_the_way, *more) == 4
    said = capsys.readouterr().err
    assert f"{run.samples} is a file, and a folder belongs there" in said
    assert f"mv {run.samples} {run.samples}.old" in said
    assert (run.samples.read_text(), run.status, run.steps_done) == ("mine", "complete", 4)
    assert atlas(in_the_way, "train", "--resume", "latest", "--json") == 0  # complete: there is nothing to do
    assert json.loads(capsys.readouterr().out)["files"] == []


def test_the_newest_run_with_weights_is_sampled(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    RunFolder.create(runs, "gpt/smoke")  # it failed in its first step
    for reference in ("gpt", "latest"):
        assert app._run(["sample", reference, "--set", "length=5", "--out", str(runs)]) == 0
        assert "gpt-smoke-1" in capsys.readouterr().err


# --- row 17: memory -----------------------------------------------------------------------------------


def test_out_of_memory_offers_a_smaller_batch(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def batch(self: GPT, step: int):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.\nmore words")

    monkeypatch.setattr(GPT, "batch", batch)
    assert atlas(tmp_path, *TRAIN, "--set", "train.batch_size=4") == 4
    said = capsys.readouterr().err
    assert "out of memory on cpu: CUDA out of memory. Tried to allocate 20.00 GiB." in said
    assert "--set train.batch_size=2" in said
