"""Samples are new unless a seed is given, are called after what was asked, and replace nothing."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from atlas_cli.commands import _kept_samples, sample
from atlas_cli.engine.answerable import require_answerable
from atlas_cli.engine.build import Options, build
from atlas_cli.engine.system import SampleRequest, System
from atlas_cli.engine.trainer import execute
from atlas_cli.errors import UsageError
from atlas_cli.present.reporter import SilentReporter
from atlas_cli.recipe import recipes
from tests.commands.house import CommandLine


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ({}, "sample-seed7"),
        ({"label": 3}, "label3-seed7"),
        ({"label": 3, "changes": {"steps": "5", "guidance": "4.0"}}, "label3-steps5-guidance4.0-seed7"),
        ({"prompts": ["def add(a, b):\n  ../../x"]}, "def-add-a-b-..-..-x-seed7"),
        ({"prompts": ["???"]}, "prompt-seed7"),
        ({"extras": {"control": Path("a/My drawing.png")}, "best": True}, "controlmy-drawing-best-seed7"),
        ({"prompts": ["a" * 500]}, "a" * 60 + "-seed7"),
    ],
)
def test_a_file_is_called_after_what_was_asked_for(asked: dict[str, Any], name: str) -> None:
    assert _kept_samples.stem(7, **asked) == name


def test_a_name_that_is_taken_gets_a_number(tmp_path: Path) -> None:
    assert _kept_samples.free(tmp_path / "none", "a") == "a"
    for file in ("a.png", "a.gif", "a-2.png"):
        (tmp_path / file).touch()
    assert _kept_samples.free(tmp_path, "a") == "a-3"
    assert _kept_samples.free(tmp_path, "b") == "b"


def test_sampling_again_shows_other_samples_and_keeps_the_first(
    atlas: CommandLine,
    tmp_path: Path,
) -> None:
    recipe = recipes.resolve("ddpm/smoke", ["train.steps=2", "train.precision=fp32"])
    run = execute(
        recipe, Options(out=tmp_path / "runs", device="cpu", weights_only=True), SilentReporter()
    ).run
    assert run is not None
    first, second = (atlas("sample", "ddpm", "--count", "4", "--json").document for _ in range(2))
    assert first["seed"] != second["seed"]
    pictures = [(tmp_path / told["files"][0]).read_bytes() for told in (first, second)]
    assert pictures[0] != pictures[1]
    again = atlas("sample", "ddpm", "--count", "4", "--seed", str(first["seed"]))
    assert again.code == 0
    assert f"--seed {first['seed']}" in again.err
    assert "--label" in again.err.splitlines()[-1]
    repeated = next(run.samples.glob(f"sample-seed{first['seed']}-2.png"))
    assert repeated.read_bytes() == pictures[0]
    assert (tmp_path / first["files"][0]).read_bytes() == pictures[0]


def _system(topic: str, data: str, **changes: Any) -> System:
    """A system of the topic that was never trained."""
    sets = ["train.precision=fp32", *(f"model.{key}={value}" for key, value in changes.items())]
    return build(recipes.resolve(topic, sets, data), Options(Path("runs"), device="cpu"), SilentReporter())


def test_what_comes_next_is_something_new() -> None:
    run = SimpleNamespace(reference="r", topic="topic")

    def after(system: System, **asked: Any) -> str:
        request = SimpleNamespace(**{"label": None, "prompt": None, **asked})
        return sample.something_new(run, system, request)[0]  # type: ignore[arg-type]

    digits, points = _system("gan/small", "strokes"), _system("gan/ci", "toy2d")
    assert after(digits) == "atlas sample r --label 3"
    assert after(digits, label=9) == "atlas sample r --label 0"
    assert after(points) == "atlas explain topic"  # of points it knows no classes
    writer, task = _system("gpt/smoke", "text"), _system("gpt/ci", "induction_heads")
    assert after(writer) == 'atlas sample r --prompt "def "'
    assert after(task) == "atlas explain topic"  # an answer has no length or temperature


def test_what_would_change_nothing_is_refused() -> None:
    points, task = _system("gan/ci", "toy2d"), _system("gpt/ci", "induction_heads")
    with pytest.raises(UsageError, match="gan has no classes"):
        require_answerable(points, "gan", SampleRequest(label=3))
    with pytest.raises(UsageError, match="length would change nothing: gpt answers induction_heads"):
        require_answerable(task, "gpt", SampleRequest(), {"length": "128"})
    require_answerable(_system("ddpm/smoke", "digits"), "ddpm", SampleRequest(label=3), {"steps": "5"})
    require_answerable(_system("gpt/smoke", "text"), "gpt", SampleRequest(prompt="def"), {"length": "5"})
