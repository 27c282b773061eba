"""`--check` can be trusted: refused where nothing could fail, obeyed on finished runs, blind to the clock."""

from __future__ import annotations

from pathlib import Path

import pytest

from atlas_cli.commands import _training
from atlas_cli.engine.verdict import judge, met
from atlas_cli.errors import UsageError
from atlas_cli.recipe import recipes
from atlas_cli.recipe.model import Bar
from atlas_cli.runs import claims
from tests.commands.house import CommandLine, made_run, verdict


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["ddpm/smoke", "--check"], "makes no claim"),
        (["mamba/induction", "--check", "--no-ablate"], "--no-ablate"),
        (["mamba2/decay", "--set", "train.steps=1", "--check-speed", "--no-ablate"], "--no-ablate"),
    ],
)
def test_a_check_that_could_not_fail_is_refused_before_training(
    atlas: CommandLine,
    tmp_path: Path,
    arguments: list[str],
    says: str,
) -> None:
    said = atlas("train", *arguments)
    assert said.code == 2
    assert says in said.err
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("verdicts", "options", "code"),
    [
        ([verdict()], [], 0),
        ([verdict(), verdict("gain", passed=False)], [], 1),
        ([verdict(), verdict("time", passed=False, speed=True)], [], 0),
        ([verdict(), verdict("time", passed=False, speed=True)], ["--check-speed"], 1),
        ([verdict(), verdict("gain", passed=None)], [], 2),
        ([], [], 2),
    ],
)
def test_a_finished_run_is_checked_too(
    atlas: CommandLine,
    tmp_path: Path,
    verdicts: list[dict[str, object]],
    options: list[str],
    code: int,
) -> None:
    made_run(tmp_path / "runs", verdicts=verdicts)
    assert atlas("train", "--resume", "mamba-induction-1").code == 0
    assert atlas("train", "--resume", "mamba-induction-1", "--check", *options).code == code


def test_met_is_null_where_nothing_was_judged(atlas: CommandLine, tmp_path: Path) -> None:
    assert met([]) is None
    assert met(judge({"a_gain": Bar(min=1)}, {"a": 2.0}, None)) is None
    assert met(judge({"a": Bar(min=1)}, {"a": 2.0}, None)) is True
    made_run(tmp_path / "runs", "ddpm/smoke")
    assert atlas("train", "--resume", "ddpm-smoke-1", "--json").document["met"] is None


def test_what_was_not_judged_does_not_count_as_failed() -> None:
    assert claims.summary([verdict(), verdict("gain", passed=False)]) == "1 of 2 hold"
    assert claims.summary([verdict(), verdict("gain", passed=None)]) == "1 of 1 hold"
    assert claims.summary([verdict(passed=None)]) == claims.summary([]) == "-"


def test_a_verdict_says_that_its_bar_is_on_time() -> None:
    told = judge({"seconds": Bar(max=1, speed=True)}, {"seconds": 2.0}, None)[0].to_json()
    assert told["speed"]
    assert claims.hold([told, verdict()], speed=False, name="it")
    assert not claims.hold([told, verdict()], speed=True, name="it")


def test_a_recipe_of_speeds_alone_has_nothing_for_a_check_without_them() -> None:
    recipe = recipes.resolve("mamba/induction")
    fast = recipe.model_copy(update={"expect": {"time_exponent": recipe.expect["time_exponent"]}})
    with pytest.raises(UsageError, match="claims speeds only"):
        _training.require_claims(fast, None, speed=False)
    _training.require_claims(fast, None, speed=True)


CLOCKED = ("second", "speedup", "time_", "_time")  # what a metric is called that a clock decides


def test_every_shipped_bar_on_time_says_so() -> None:
    root = Path(__file__).parents[2] / "recipes"
    for path in sorted(root.glob("*/*.yaml")):
        for metric, bar in recipes.resolve(path).expect.items():
            assert bar.speed is any(word in metric for word in CLOCKED), (path, metric)


def test_a_check_says_what_failed_and_what_it_left_aside(atlas: CommandLine, tmp_path: Path) -> None:
    slow = verdict("time", passed=False, speed=True, bar=">= 5", figure=4.437)
    made_run(tmp_path / "runs", verdicts=[verdict(), slow])
    said = atlas("train", "--resume", "latest", "--check")
    assert said.code == 0
    assert "time: 4.437 where >= 5 was wanted" in said.err
    assert "only claims of speed fail, which --check leaves aside: --check-speed counts them" in said.err
    said = atlas("train", "--resume", "latest", "--check-speed")
    assert said.code == 1
    assert "leaves aside" not in said.err


def test_the_refusal_names_the_option_that_was_typed(atlas: CommandLine) -> None:
    for option in ("--check", "--check-speed"):
        said = atlas("train", "mamba/induction", option, "--no-ablate")
        assert f"error  {option} cannot judge" in said.err
        assert f"leave out --no-ablate, or {option}\n" in said.err
