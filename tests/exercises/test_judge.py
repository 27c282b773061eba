"""The judge: what a student's file may do wrong, and in which words it is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from atlas_cli.errors import AtlasError
from atlas_cli.exercises import ask, find, judge, swap, work
from atlas_cli.exercises.cut import cut
from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise
from atlas_cli.exercises.outcomes import CASES


@pytest.fixture
def loss() -> Exercise:
    return find.find("gan/discriminator_loss")


def written(exercise: Exercise, lines: str) -> str:
    """The file with these lines in its hole."""
    part = cut(exercise)
    return part.filled("".join(f"    {line}\n" for line in lines.splitlines()))


def found(exercise: Exercise, lines: str) -> dict:
    return judge.judge(exercise, written(exercise, lines), "mine.py")


def test_an_error_names_the_student_s_own_line(loss: Exercise) -> None:
    told = found(loss, "softplus = F.softplus\nreturn softpuls(-real_logit).mean()")
    assert told["fault"]["text"] == "return softpuls(-real_logit).mean()"
    assert told["fault"]["says"] == "NameError: name 'softpuls' is not defined"
    assert not told["right"]
    assert told["mistake"] is None


def test_no_python_is_told_with_its_line(loss: Exercise) -> None:
    told = found(loss, "return F.logsigmoid(real_logit")
    assert told["fault"]["text"] == "return F.logsigmoid(real_logit"
    assert told["fault"]["says"].startswith("SyntaxError")


def test_another_way_to_write_it_is_right(loss: Exercise) -> None:
    told = found(loss, "return (F.softplus(-real_logit) + F.softplus(fake_logit)).mean()")
    assert told["right"], told


def test_a_wrong_shape_is_said(loss: Exercise) -> None:
    told = found(loss, "return -F.logsigmoid(real_logit) - F.logsigmoid(-fake_logit)")
    assert told["checks"] == [{"name": "shapes", "passed": False, "says": "(5) where a number is wanted"}]


def test_numbers_without_a_gradient_are_said(loss: Exercise) -> None:
    told = found(loss, "return (F.softplus(-real_logit) + F.softplus(fake_logit)).mean().detach()")
    wrong = [check for check in told["checks"] if not check["passed"]]
    assert wrong == [{"name": "gradients", "passed": False, "says": "none flows back"}]


def test_a_changed_input_is_said(loss: Exercise) -> None:
    told = found(
        loss, "a = F.softplus(-real_logit).mean() + F.softplus(fake_logit).mean()\n"
        "real_logit.data.zero_()\nreturn a"
    )  # fmt: skip
    assert [check["name"] for check in told["checks"] if not check["passed"]] == ["inputs"]


def test_a_case_by_hand_shows_both_numbers(loss: Exercise) -> None:
    told = found(loss, "return 3 * F.softplus(-real_logit).mean() + 0 * fake_logit.mean()")
    (by_hand,) = (check for check in told["checks"] if check["name"] == "by hand")
    assert not by_hand["passed"]
    assert by_hand["says"].endswith("pays 2 ln 2 = 1.386; yours: 2.079")


def test_numbers_that_are_wrong_in_some_cases_say_in_how_many(loss: Exercise) -> None:
    whole = "(F.softplus(-real_logit) + F.softplus(fake_logit)).mean()"
    told = found(loss, f"return {whole} + float(real_logit[0] > 0)")
    (numbers,) = (check for check in told["checks"] if check["name"] == "numbers")
    wrong = sum(float(loss.inputs(Draw(case))[0][0]) > 0 for case in range(CASES))
    assert 0 < wrong < CASES
    said = f"up to 1 from the atlas's, in {wrong} of {CASES} random cases, the first with inputs of (5), (5)"
    assert numbers["says"] == said


def test_a_file_without_the_function_says_so(loss: Exercise) -> None:
    told = judge.judge(loss, "import torch\n", "mine.py")
    assert told["fault"]["says"] == "there is no function discriminator_loss in it"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_an_endless_loop_ends_at_the_limit_with_its_line(loss: Exercise, here: Path) -> None:
    work.start(loss)
    text = written(loss, "print('begun')\nwhile True:\n    real_logit = real_logit + 1")
    work.file_of(loss).write_text(text, encoding="utf-8")
    told = ask.ask(loss, seconds=1.0)
    assert told["fault"]["says"] == "still at work after 1 seconds: does it end?"
    assert told["fault"]["text"] in ("while True:", "real_logit = real_logit + 1")
    assert told["printed"].startswith("begun")


def test_code_that_ends_the_process_is_told(loss: Exercise, here: Path) -> None:
    work.start(loss)
    work.file_of(loss).write_text(written(loss, "import os\nos._exit(7)"), encoding="utf-8")
    assert ask.ask(loss)["fault"]["says"] == "it ends the process (exit code 7)"


def test_in_training_the_student_s_function_takes_the_place_of_the_project_s(loss: Exercise) -> None:
    from atlas_cli.systems.gan import gan

    text = written(loss, "return 0 * real_logit.mean() + 7.0")
    with swap.in_place(loss, text, "mine.py") as places:
        assert "atlas_cli.systems.gan.gan.discriminator_loss" in places  # and wherever it was imported
        assert {place.rpartition(".")[2] for place in places} == {"discriminator_loss"}
        import torch

        assert gan.discriminator_loss(torch.zeros(2), torch.zeros(2)) == 7.0
    assert gan.discriminator_loss(torch.zeros(2), torch.zeros(2)) < 2.0


def test_an_error_in_training_is_the_student_s_and_has_its_line(loss: Exercise) -> None:
    from atlas_cli.systems.gan import gan

    with (
        swap.in_place(loss, written(loss, "return real_logit.nothing"), "mine.py"),
        pytest.raises(AtlasError, match=r"mine.py, line \d+: AttributeError") as raised,
    ):
        gan.discriminator_loss(1, 2)
    assert raised.value.hint == "atlas exercise check gan/discriminator_loss"


@pytest.mark.parametrize("exercise", [e for e in find.every() if e.trains], ids=lambda e: e.full_name)
def test_what_is_said_to_be_trained_is_called_there(exercise: Exercise) -> None:
    """The function is looked up where the recipe's system calls it, not only where it is defined."""
    part = cut(exercise)
    with swap.in_place(exercise, part.filled(part.lines), "own.py") as places:
        assert places
