"""`atlas quiz`."""

from __future__ import annotations

import io
import json
import time

import pytest
import typer

from atlas_cli import catalog
from atlas_cli.commands import quiz as command
from atlas_cli.errors import UsageError
from atlas_cli.learner import progress
from atlas_cli.pages import quiz


@pytest.fixture
def atlas(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    """Runs `atlas quiz ARGUMENTS` with lines on stdin and returns (stdout, stderr)."""
    app = typer.Typer()
    app.command()(command.quiz)

    def run(*arguments: str, given: str = "") -> tuple[str, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(given))
        typer.main.get_command(app).main(args=[*arguments], prog_name="quiz", standalone_mode=False)
        return tuple(capsys.readouterr())

    return run


def key(family: str) -> str:
    """The right letters, a line each."""
    questions = quiz.load(catalog.resolve_family(family)).questions
    return "".join(f"{quiz.LETTERS[question.answer]}\n" for question in questions)


def test_all_right_from_a_pipe(atlas):
    out, err = atlas("GANs", given=key("gan"))
    count = key("gan").count("\n")
    assert f"{count} of {count}  ·" in out
    assert f"{count} of {count} right" in out
    assert out.count("Right.") == count
    assert "Not quite." not in out
    assert "not answered" not in err


def test_a_wrong_answer_gets_both_whys_and_numbers_and_capitals_do_too(atlas):
    first, second = quiz.load(catalog.resolve_family("ssm")).questions[:2]
    wrong = (first.answer + 1) % 4
    out, err = atlas("ssm", given=f"{wrong + 1}\n{quiz.LETTERS[second.answer].upper()}\nq\n")
    count = len(key("ssm").split())
    told = out.partition("Not quite. ")[2].partition(f"2 of {count}")[0]
    assert f"It is {quiz.LETTERS[first.answer]}." in told
    assert "1 of 2 right" in out
    assert f"{count - 2} not answered" in err
    assert f"atlas explain {first.topic}" in err


def test_an_answer_that_is_none_is_asked_for_again(atlas):
    out, err = atlas("GANs", given="\nz\n9\n" + key("gan"))
    assert f"{len(key('gan').split())} of {len(key('gan').split())} right" in out
    assert "'z' is none of a, b, c, d" in err


def test_a_pipe_that_ends_ends_the_quiz(atlas):
    out, _ = atlas("gan", given="")
    assert "0 of 0 right" in out
    assert "2 of 13" not in out


def test_json_keeps_the_answers_to_itself_unless_asked(atlas):
    hidden, shown = (json.loads(atlas("diffusion", "--json", *more)[0]) for more in ([], ["--answers"]))
    assert [q["ask"] for q in hidden["questions"]] == [q["ask"] for q in shown["questions"]]
    for question in hidden["questions"]:
        assert all(set(choice) == {"letter", "say"} for choice in question["choices"])
    for question in shown["questions"]:
        assert sum(choice["right"] for choice in question["choices"]) == 1
        assert all(choice["why"] for choice in question["choices"])


def test_a_letter_means_the_same_in_the_terminal_and_in_json(atlas):
    told = json.loads(atlas("vlm", "--json", "--answers")[0])["questions"]
    right = [next(choice["letter"] for choice in q["choices"] if choice["right"]) for q in told]
    out, _ = atlas("vlm", given="".join(f"{letter}\n" for letter in right))
    assert f"{len(right)} of {len(right)} right" in out


def test_answers_without_json_are_refused(atlas):
    with pytest.raises(UsageError, match="--answers goes with --json") as caught:
        atlas("gan", "--answers")
    assert caught.value.hint == "atlas quiz gan --json --answers"


class Clock:
    """A time that only a test moves on, for what is kept and for what is due."""

    def __init__(self) -> None:
        self.now = time.mktime((2026, 2, 2, 12, 0, 0, 0, 0, -1))

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "time", clock)
    return clock


def wrong(question: quiz.Question) -> str:
    """A letter that is wrong."""
    return quiz.LETTERS[(question.answer + 1) % len(question.choices)]


def right(question: quiz.Question) -> str:
    return quiz.LETTERS[question.answer]


def test_what_was_missed_comes_back_soon_and_what_was_known_later(atlas, clock: Clock):
    first, second, third = quiz.load(catalog.resolve_family("ssm")).questions[:3]
    out, err = atlas("ssm", given=f"{wrong(first)}\n{right(second)}\n{right(third)}\nq\n")
    assert "1 comes back in ten minutes: atlas quiz" in err
    clock.now += 300
    out, _ = atlas()
    assert "No question is due. The next of 3 comes back in 5 minutes." in out
    clock.now += 300
    out, err = atlas(given=f"{right(first)}\n")
    assert "1 of 1" in out
    assert "1 of 1 right" in out
    assert "next  atlas learn" in err
    assert "comes back tomorrow" in atlas()[0]
    clock.now += 86_400
    assert json.loads(atlas("--json")[0])["questions"][0]["ask"] == first.ask
    clock.now += 2 * 86_400
    due = json.loads(atlas("--json")[0])
    assert due["family"] is None
    assert [question["ask"] for question in due["questions"]] == [first.ask, second.ask, third.ask]
    out, _ = atlas(given=f"{right(first)}\n{right(second)}\n{wrong(third)}\n")
    assert "2 of 3 right" in out
    assert "comes back in 10 minutes" in atlas()[0]


def test_before_anything_was_asked_nothing_is_due(atlas):
    out, err = atlas()
    assert out == ""
    assert "nothing was asked yet" in err
    assert json.loads(atlas("--json")[0])["questions"] == []


def test_a_question_mark_takes_wrong_answers_away_until_two_are_left(atlas):
    question = quiz.load(catalog.resolve_family("ssm")).questions[0]
    wrongs = [i for i, choice in enumerate(question.choices) if not choice.right]
    out, err = atlas("ssm", given=f"?\n?\n?\n?\n{right(question)}\nq\n")
    assert [f"Not {quiz.LETTERS[i]}." in out for i in wrongs] == [True] * (len(wrongs) - 1) + [False]
    assert f"Not {right(question)}." not in out
    assert err.count("no more hints: two answers are left") == 4 - (len(wrongs) - 1)
    assert "1 of 1 right" in out
    (answer,) = progress.load().deeds
    assert (answer.facts["hints"], answer.facts["box"], answer.facts["right"]) == (len(wrongs) - 1, 1, True)


def test_each_answer_is_kept_at_once(atlas, monkeypatch: pytest.MonkeyPatch):
    first = quiz.load(catalog.resolve_family("ssm")).questions[0]
    monkeypatch.setattr("atlas_cli.commands._asking._told", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        atlas("ssm", given=f"{right(first)}\n")
    (answer,) = progress.load().deeds
    assert (answer.kind, answer.topic, answer.what) == ("answered", first.topic, first.id)
    assert (answer.facts["right"], answer.facts["kind"]) == (True, first.kind)


def test_one_kind_alone_can_be_asked(atlas):
    asked = json.loads(atlas("ddpm", "--kind", "predict", "--json")[0])["questions"]
    assert {question["kind"] for question in asked} == {"predict"}
    topic = next(
        topic for topic in catalog.topics()
        if (kinds := {entry.kind for entry in quiz.index(topic.family) if entry.topic == topic.slug})
        and "choose" not in kinds
    )  # fmt: skip
    with pytest.raises(UsageError, match="of the kind choose"):
        atlas(topic.slug, "--kind", "choose")
