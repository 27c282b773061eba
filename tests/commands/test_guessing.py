"""`atlas guess`: asked once, told after it, and remembered with its score."""

from __future__ import annotations

import io

import pytest

from atlas_cli import catalog
from atlas_cli.commands import schema
from atlas_cli.learner import path, progress
from atlas_cli.learner.progress import Progress
from atlas_cli.pages import guess
from atlas_cli.pages.guess import Guess
from tests.commands.house import CommandLine
from tests.commands.test_schema import Validator


def asked(slug: str) -> Guess:
    found = guess.of(catalog.resolve(slug))
    assert found is not None
    return found


def wrong(slug: str) -> str:
    return next(letter for letter in guess.LETTERS if letter != asked(slug).letter)


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


def flat(text: str) -> str:
    return " ".join(text.split())


def test_a_choice_is_asked_for_and_then_what_was_measured_is_told(
    atlas: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed(monkeypatch, f"7\n\n{asked('ddpm').letter}\n")
    said = atlas("guess", "ddpm")
    assert said.code == 0
    assert "'7' is no guess here: choose one of a, b, c" in said.err
    assert f"Right. You said {asked('ddpm').letter}." in said.out
    assert flat(asked("ddpm").told) in flat(said.out)
    assert "1 of 1 guess right" in said.out
    (deed,) = progress.load().deeds
    assert (deed.kind, deed.topic, deed.what) == ("guessed", "ddpm", asked("ddpm").id)
    assert deed.facts == {"right": True, "guess": asked("ddpm").letter, "measured": asked("ddpm").figure}


def test_a_number_may_be_a_percentage_and_is_judged_by_how_far_it_is_off(
    atlas: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    s4, jamba = asked("s4"), asked("jamba")
    assert s4.figure is not None
    assert jamba.figure is not None
    typed(monkeypatch, f"many\n{100 * (s4.figure + s4.within * 0.99):.6f}%\n")
    said = atlas("guess", "s4")
    assert "a number is wanted" in said.err
    assert "Right." in said.out
    typed(monkeypatch, f"{jamba.figure + jamba.within * 1.01}\n")
    said = atlas("guess", "jamba")
    assert "Not quite." in said.out
    assert f"it is {jamba.figure:.3g}." in said.out
    assert "1 of 2 guesses right" in said.out


@pytest.mark.parametrize("text", ["", "q\n", "\nq\n"])
def test_who_passes_is_told_nothing_and_asked_again(
    atlas: CommandLine, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    typed(monkeypatch, text)
    said = atlas("guess", "ddpm")
    assert said.code == 0
    assert flat(asked("ddpm").told)[:40] not in flat(said.out)
    assert not progress.load().deeds
    assert "atlas explain ddpm" in said.err


def test_the_first_guess_counts(atlas: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    assert atlas("guess", "ddpm", "--say", wrong("ddpm")).code == 0
    typed(monkeypatch, f"{asked('ddpm').letter}\n")
    again = atlas("guess", "ddpm")
    assert f"You said {wrong('ddpm')}; it is {asked('ddpm').letter}." in again.out
    assert "0 of 1 guess right" in again.out
    refused = atlas("guess", "ddpm", "--say", asked("ddpm").letter)
    assert refused.code == 2
    assert "the first guess counts" in refused.err
    (deed,) = progress.load().deeds
    assert deed.facts["right"] is False


@pytest.mark.parametrize("word", ["z", "", "ab", "1", "é"])
def test_what_is_no_guess_is_refused_and_not_kept(atlas: CommandLine, word: str) -> None:
    said = atlas("guess", "ddpm", "--say", word)
    assert said.code == 2
    assert "choose one of a, b, c" in said.err
    assert not progress.load().deeds


def test_of_a_family_those_that_wait_are_asked_in_turn(
    atlas: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, *rest = [topic.slug for topic in guess.asked() if topic.family == "diffusion"]
    atlas("guess", first, "--say", asked(first).letter)
    typed(monkeypatch, "a\n" * len(rest))
    said = atlas("guess", "diffusion")
    assert f"Guess first  {first}" not in said.out
    assert [f"Guess first  {slug}" in said.out for slug in rest] == [True] * len(rest)
    listed = atlas("guess", "diffusion")
    assert listed.out.count("you said") == len(rest) + 1


def test_the_list_names_every_guess_and_the_next(atlas: CommandLine) -> None:
    atlas("guess", "gpt", "--say", asked("gpt").letter)
    said = atlas("guess")
    assert all(f"atlas guess {topic.slug} " in said.out for topic in guess.asked())
    assert f"you said {asked('gpt').letter}" in said.out
    assert "1 of 1 guesses right" in said.out or "1 of 1 guess right" in said.out
    assert "atlas guess rope" in said.err


def test_documents_hold_the_answer_once_a_guess_was_made(atlas: CommandLine) -> None:
    (before,) = atlas("guess", "s4", "--json").document["guesses"]
    assert [before[name] for name in ("guess", "right", "answer", "measured", "told")] == [None] * 5
    after = atlas("guess", "s4", "--say", "90%", "--json").document
    (entry,) = after["guesses"]
    assert (entry["guess"], entry["right"]) == (0.9, False)
    assert entry["answer"] == entry["measured"] == asked("s4").figure
    assert after["score"] == {"right": 0, "made": 1}
    every = atlas("guess", "--json").document
    assert [entry["topic"] for entry in every["guesses"]] == [topic.slug for topic in guess.asked()]
    for document in (after, every):
        Validator(schema.of("guess")).validate(document)


def test_what_cannot_be_guessed_is_refused(atlas: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "asks for no guess yet" in atlas("guess", "kto").err
    assert atlas("guess", "diffusion", "--say", "a").code == 2
    assert atlas("guess", "--say", "a").code == 2
    monkeypatch.setattr(guess, "of", lambda topic: asked_nothing(topic.slug))
    assert "not measured yet" in atlas("guess", "ddpm").err


def asked_nothing(slug: str) -> Guess:
    return Guess(slug, "a", "b", within=1.0)


def test_the_path_leads_to_the_guess_and_shows_the_score(atlas: CommandLine) -> None:
    ddpm = catalog.resolve("ddpm")

    def step(known: Progress) -> path.Step:
        return next(step for step in path.steps_of(ddpm, known) if step.name == "guess")

    before = step(progress.load())
    assert (before.command, before.done) == ("atlas guess ddpm", False)
    atlas("guess", "ddpm", "--say", wrong("ddpm"))
    after = step(progress.load())
    assert after.done
    assert after.about == "it came out otherwise"
    said = atlas("learn", "ddpm")
    assert "0 of 1 guess right" in said.err
    assert atlas("learn", "--json").document["guesses"] == {"right": 0, "made": 1}
