"""`atlas quiz`."""

from __future__ import annotations

import io
import json

import pytest
import typer

from atlas_cli import catalog
from atlas_cli.commands import quiz as command
from atlas_cli.errors import UsageError
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
    out, err = atlas("gan", given=key("gan"))
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
    out, err = atlas("gan", given="\nz\n9\n" + key("gan"))
    assert "13 of 13 right" in out
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
