"""`atlas train --guess`: asked before the run, told after it, and kept."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any

import pytest

from atlas_cli.commands import _guess, _training
from atlas_cli.commands._guess import Guess
from atlas_cli.errors import UsageError
from atlas_cli.learner import guesses, progress
from atlas_cli.recipe import recipes
from atlas_cli.recipe.model import Recipe
from tests.commands.house import CommandLine


@pytest.fixture
def ddpm() -> Recipe:
    return recipes.resolve("ddpm/small")


def outcome(own: float | None, without: float | None) -> Any:
    """Of a run, as far as a guess is concerned with it."""
    named = {"judge_frechet": own}, {"judge_frechet": without}
    figures, ablated = ({name: x for name, x in side.items() if x is not None} for side in named)
    return SimpleNamespace(run=object(), figures=figures, ablated=ablated)


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


def place(ablate: bool | None = None) -> Any:
    return SimpleNamespace(ablate=ablate)


def test_the_figure_that_is_compared_is_asked_for_with_the_idea_and_without(
    ddpm: Recipe, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    metric = _guess.require(ddpm, place(), _training.Wish())
    assert metric == "judge_frechet_ratio"
    typed(monkeypatch, "many\n20\n 90% \n")
    assert _guess.ask(ddpm, metric) == Guess("judge_frechet", 20.0, 0.9)
    said = capsys.readouterr()
    assert "sampler_steps=1" in said.out
    assert "lower is nearer" in said.out
    assert "'many' is no number" in said.err


@pytest.mark.parametrize("text", ["", "\n", "q\n", "20\n", "20\n\n"])
def test_who_would_rather_see_passes(ddpm: Recipe, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    typed(monkeypatch, text)
    assert _guess.ask(ddpm, "judge_frechet_ratio") is None


@pytest.mark.parametrize("word", ["nan", "inf", "-inf%", "1e999", "0x3", ""])
def test_what_is_no_number_is_none(word: str) -> None:
    assert guesses.number(word) is None


def test_a_guess_is_told_beside_what_was_measured_and_the_score_is_kept(
    ddpm: Recipe, capsys: pytest.CaptureFixture[str]
) -> None:
    _guess.tell(Guess("judge_frechet", 20.0, 300.0), ddpm, outcome(17.3, 369.0))
    told = " ".join(capsys.readouterr().out.split())
    assert "you guessed 20 with the idea and 300 without; measured were 17.300 and 369." in told
    assert "You saw which way it goes." in told
    other = recipes.resolve("cfg/small")
    _guess.tell(Guess("judge_frechet", 20.0, 10.0), other, outcome(17.3, 369.0))
    told = " ".join(capsys.readouterr().out.split())
    assert "It goes the other way. 1 of 2 guesses right." in told
    first, second = progress.load().deeds
    assert (first.kind, first.topic, first.what) == ("guessed", "ddpm", "ddpm/small judge_frechet")
    assert first.facts == {"right": True, "guess": [20.0, 300.0], "measured": [17.3, 369.0]}
    assert second.facts["right"] is False


@pytest.mark.parametrize(("own", "without"), [(None, 3.0), (3.0, None), (float("nan"), 3.0)])
def test_where_nothing_was_measured_nothing_is_told(
    ddpm: Recipe, capsys: pytest.CaptureFixture[str], own: float | None, without: float | None
) -> None:
    _guess.tell(Guess("judge_frechet", 1.0, 2.0), ddpm, outcome(own, without))
    assert capsys.readouterr().out == ""
    assert not progress.load().deeds


@pytest.mark.parametrize(
    ("wish", "ablate", "why"),
    [
        (_training.Wish(json=True), None, "asks at the keyboard"),
        (_training.Wish(), False, "without the idea"),
    ],
)
def test_it_is_refused_where_nobody_watches_or_nothing_is_compared(
    ddpm: Recipe, wish: _training.Wish, ablate: bool | None, why: str
) -> None:
    with pytest.raises(UsageError, match=why):
        _guess.require(ddpm, place(ablate), wish)
    with pytest.raises(UsageError, match="compares nothing"):
        _guess.require(recipes.resolve("ddpm/smoke"), place(), _training.Wish())


@pytest.mark.parametrize(
    "more", [["--seeds", "2"], ["--dry-run"], ["--resume", "latest"], ["--devices", "2"]]
)
def test_it_goes_with_one_training_alone(atlas: CommandLine, more: list[str]) -> None:
    said = atlas("train", "ddpm", "--guess", *more)
    assert said.code == 2
    assert "do not go together" in said.err


def test_the_guess_comes_first_and_is_told_at_the_end(
    atlas: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    made = outcome(17.3, 369.0)
    monkeypatch.setattr(_training, "run_one", lambda *_: events.append("run") or made)
    monkeypatch.setattr(_training, "finish", lambda *_: events.append("finish"))
    monkeypatch.setattr(_guess, "ask", lambda *_: events.append("ask") or Guess("judge_frechet", 1.0, 2.0))
    assert atlas("train", "ddpm", "--guess").code == 0
    assert events == ["ask", "run", "finish"]
    assert progress.load().has("guessed", "ddpm")
