"""`atlas train --tensorboard`, read back by TensorBoard itself."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from atlas_cli import app
from atlas_cli.present import board
from atlas_cli.present.progress import Training
from atlas_cli.present.reporter import NoProgress
from atlas_cli.runs.folder import RunFolder
from atlas_cli.systems.transformer.gpt import GPT

STEPS = 6
TRAIN = [
    "train", "gpt/smoke", "--tensorboard", "--set", f"train.steps={STEPS}", "--set", "train.log_every=1",
    "--set", "train.checkpoint_every=2",
]  # fmt: skip


def curve(folder: Path, metric: str = "loss") -> list[tuple[int, float]]:
    """Steps and values as a browser shows them."""
    if not folder.is_dir():
        return []
    read = EventAccumulator(str(folder))
    read.Reload()
    if metric not in read.Tags()["scalars"]:
        return []
    return [(event.step, event.value) for event in read.Scalars(metric)]


def logged(run: RunFolder, metric: str = "loss") -> list[tuple[int, float]]:
    rows = run.read_metrics()
    return [(row["step"], pytest.approx(row[metric], rel=1e-6)) for row in rows if metric in row]


def test_both_arms_are_written_beside_each_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert app._run([*TRAIN, "--ablate", "--out", str(tmp_path)]) == 0
    run = RunFolder(tmp_path / "gpt-smoke-1")
    place = run.path / "tensorboard"
    assert capsys.readouterr().err.count(f"tensorboard --logdir {place}") == 1
    assert sorted(path.name for path in place.iterdir()) == [run.name, f"{run.name}-without-the-idea"]
    for name, arm in ((run.name, run), (f"{run.name}-without-the-idea", RunFolder(run.path / "ablation"))):
        assert [step for step, _ in curve(place / name)] == [*range(1, STEPS + 1)]
        assert curve(place / name) == logged(arm)
        assert curve(place / name, "held_out_loss") == logged(arm, "held_out_loss") != []


@pytest.mark.parametrize("before", [True, False], ids=["logged", "not logged"])
def test_a_resume_goes_on_in_the_same_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: bool
) -> None:
    stepped = GPT.step

    def step(self, batch, optimizers):
        step.calls += 1
        if step.calls == 3:
            os.kill(os.getpid(), signal.SIGTERM)
        return stepped(self, batch, optimizers)

    step.calls = 0
    monkeypatch.setattr(GPT, "step", step)
    train = TRAIN if before else [word for word in TRAIN if word != "--tensorboard"]
    assert app._run([*train, "--no-ablate", "--out", str(tmp_path)]) == 143
    run = RunFolder(tmp_path / "gpt-smoke-1")
    place = run.path / "tensorboard" / run.name
    assert [step for step, _ in curve(place)] == ([1, 2, 3] if before else [])
    resume = ["train", "--resume", "latest", "--no-ablate", "--tensorboard", "--out", str(tmp_path)]
    assert app._run(resume) == 0
    assert [step for step, _ in curve(place)] == [*range(1, STEPS + 1)]
    assert curve(place) == logged(run)


def test_figures_are_there_while_it_trains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board, "_FLUSH_SECONDS", 0.05)
    training = Training("gpt/smoke", steps=9, items_per_step=1, unit="tokens")
    with board.logged(NoProgress(), training, tmp_path / "arm", every=2) as progress:
        progress.update(1, {"loss": 9.0}, 0.1)  # between two logged steps
        progress.update(2, {"loss": 3.0, "gain": float("nan")}, 0.2)
        until = time.monotonic() + 20
        while not curve(tmp_path / "arm") and time.monotonic() < until:
            time.sleep(0.05)
        assert curve(tmp_path / "arm") == [(2, 3.0)]


def test_time_counts_training_alone(tmp_path: Path) -> None:
    history = [{"step": 1, "loss": 2.0, "seconds": 5.0}, {"step": 2, "held_out_loss": 2.0},
               {"step": 2, "loss": 1.0, "seconds": 9.0}]  # fmt: skip
    training = Training("gpt/smoke", steps=3, items_per_step=1, unit="tokens", history=history)
    with board.logged(NoProgress(), training, tmp_path / "arm", every=1) as progress:
        progress.update(3, {"loss": 0.5}, 12.0)
    read = EventAccumulator(str(tmp_path / "arm"))
    read.Reload()
    first, *others = [event.wall_time for event in read.Scalars("loss")]
    assert [other - first for other in others] == pytest.approx([4.0, 7.0], abs=1e-3)


def test_without_the_package_nothing_is_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    assert app._run([*TRAIN, "--out", str(tmp_path / "runs")]) == 4
    assert "pip install 'atlas-cli[tensorboard]'" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()
