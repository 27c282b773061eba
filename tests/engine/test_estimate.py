"""What `--dry-run` says: of a run that goes on over its own base, and of parents that share a name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from atlas_cli import app
from atlas_cli.engine import estimate
from atlas_cli.engine.build import Options
from atlas_cli.metrics import timing
from atlas_cli.recipe import recipes
from tests.engine.lines import Line, attached

FAST = ["train.precision=fp32", "train.threads=1"]


def test_of_a_run_that_goes_on_the_rest_is_told_over_its_own_base(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(estimate, "TIMED_SECONDS", 0.0)
    where = ["--out", str(tmp_path / "runs"), "--device", "cpu", "--json"]
    sets = [word for change in [*FAST, "train.steps=2"] for word in ("--set", change)]
    assert app._run(["train", "lora/smoke", *sets, "--no-ablate", *where]) == 0
    capsys.readouterr()
    assert app._run(["train", "--resume", "latest", "--dry-run", "--set", "train.steps=6", *where]) == 0
    told = json.loads(capsys.readouterr().out)["estimate"]
    assert told["steps"] == 6
    assert told["train_seconds"] == pytest.approx(4 * told["seconds_a_step"])


def test_parents_of_one_name_that_differ_are_all_counted_and_equal_ones_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(estimate, "seconds_a_step", lambda system: 1.0)
    short, long = (recipes.resolve("gpt/smoke", [*FAST, f"train.steps={n}"]) for n in (3, 5))
    child = recipes.resolve("lora/smoke", FAST)
    child = child.model_copy(update={"parents": {"parent": short, "policy": long, "reward": long}})
    told = estimate.estimate(child, Options(out=tmp_path / "runs", device="cpu"))
    assert told.parents == {"gpt/smoke": 3.0 + 5.0}


def test_a_step_is_over_when_the_device_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[object] = []
    monkeypatch.setattr(timing, "wait_for", said.append)
    monkeypatch.setattr(estimate, "TIMED_SECONDS", 0.0)
    system = attached(Line())
    assert estimate.seconds_a_step(system) > 0
    assert said == [system.setting.device] * 2 * (estimate.WARMUP_STEPS + 1)
