"""`atlas exercise` as it is typed."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from atlas_cli.commands import exercise as command
from atlas_cli.exercises import find, work
from atlas_cli.exercises.cut import cut
from atlas_cli.exercises.model import Exercise
from atlas_cli.learner import progress
from tests.commands.house import CommandLine
from tests.commands.test_schema import check
from tests.e2e.helpers import COMMAND, environment

NAME = "gan/discriminator_loss"


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATLAS_HOME", str(tmp_path / "home"))


@pytest.fixture
def loss(atlas: CommandLine) -> Exercise:
    """Started in the working folder."""
    assert atlas("exercise", "start", NAME).code == 0
    return find.find(NAME)


def solve(exercise: Exercise) -> None:
    part = cut(exercise)
    work.file_of(exercise).write_text(part.filled(part.lines), encoding="utf-8")


def test_start_shows_the_task_and_leads_on(atlas: CommandLine) -> None:
    told = atlas("exercise", "start", "ddpm/add_noise")
    assert told.code == 0
    assert "Write the jump from an image to x_t" in told.out
    assert "exercises/ddpm/add_noise.py\n" in told.err
    assert "atlas exercise watch ddpm/add_noise" in told.err
    again = atlas("exercise", "start", "ddpm/add_noise")
    assert "is there already, and stays as it is" in again.err


def test_alone_it_lists_them(atlas: CommandLine) -> None:
    told = atlas("exercise")
    assert told.code == 0
    assert "ddpm/add_noise" in told.out
    assert f"0 of {len(find.every())} solved" in told.out


def test_a_hole_is_no_solution(atlas: CommandLine, loss: Exercise) -> None:
    told = atlas("exercise", "check")  # what was started last
    assert told.code == 1
    assert "Nothing is written yet" in told.out
    assert f"atlas exercise hint {NAME}" in told.err
    assert not progress.load().has("coded", "gan")


def test_a_solution_is_right_and_remembered(atlas: CommandLine, loss: Exercise) -> None:
    solve(loss)
    told = atlas("exercise", "check", NAME)
    assert told.code == 0, told.out
    assert "Right." in told.out
    assert f"atlas exercise train {NAME}" in told.err
    assert progress.load().has("coded", "gan", "discriminator_loss")
    listed = atlas("exercise", "list", "gan", "--json").document["exercises"]
    assert {one["exercise"]: one["state"] for one in listed} == {
        NAME: "solved", "gan/generator_loss": "new", "gan/r1": "new"
    }  # fmt: skip


def test_a_known_mistake_is_said_in_words(atlas: CommandLine, loss: Exercise) -> None:
    work.file_of(loss).write_text(cut(loss).mistaken(loss.mistakes[2]), encoding="utf-8")
    told = atlas("exercise", "check", NAME)
    assert told.code == 1
    assert "You averaged the two terms" in told.out


def test_a_hint_by_its_number_alone_is_of_what_was_worked_at_last(atlas: CommandLine, loss: Exercise) -> None:
    work.file_of(loss).touch()
    first, second = atlas("exercise", "hint"), atlas("exercise", "hint", "2")
    assert "1 of 3" in first.out
    assert f"atlas exercise hint {NAME} 2" in first.err
    assert "2 of 3" in second.out
    assert f"atlas exercise hint {NAME} 3" in second.err


def test_hints_lead_from_one_to_the_next_and_to_the_solution(atlas: CommandLine) -> None:
    assert f"atlas exercise hint {NAME} 2" in atlas("exercise", "hint", NAME).err
    last = atlas("exercise", "hint", NAME, "3")
    assert "3 of 3" in last.out
    assert f"atlas exercise solution {NAME}" in last.err
    shown = atlas("exercise", "solution", NAME)
    assert "-F.logsigmoid(real_logit).mean()" in shown.out
    assert "games.py:" in shown.out


def test_reset_says_where_the_work_lies(atlas: CommandLine, loss: Exercise) -> None:
    work.file_of(loss).write_text("mine\n", encoding="utf-8")
    told = atlas("exercise", "reset", NAME)
    assert "your work lies in exercises/gan/discriminator_loss.before-1.py" in told.err


def test_nothing_started_is_said(atlas: CommandLine) -> None:
    for line in ("check", "watch", f"check {NAME}"):
        told = atlas("exercise", *line.split())
        assert told.code == 2
        assert "atlas exercise start" in told.err


def test_what_no_recipe_calls_is_not_trained(atlas: CommandLine) -> None:
    told = atlas("exercise", "train", "s4/kernel")
    assert told.code == 2
    assert "ddpm/add_noise" in told.err


def test_the_documents_are_as_their_schemas_say(atlas: CommandLine, loss: Exercise) -> None:
    of_one = ("start", "check", "hint", "solution", "reset", "train")
    for name in ("list", *(f"{verb} {NAME}" for verb in of_one)):
        document = atlas("exercise", *name.split(), "--json").document
        check(f"exercise-{name.split()[0]}", document)
    work.file_of(loss).write_text("def discriminator_loss(:\n", encoding="utf-8")
    document = atlas("exercise", "check", "--json").document
    check("exercise-check", document)
    assert document["fault"]["line"] == 1


def test_watch_judges_at_each_save_until_ctrl_c(
    atlas: CommandLine, loss: Exercise, monkeypatch: pytest.MonkeyPatch
) -> None:
    saves = iter([lambda: solve(loss), lambda: None])

    def pause(_: float) -> None:
        try:
            next(saves)()
        except StopIteration:
            raise KeyboardInterrupt from None

    monkeypatch.setattr(time, "sleep", pause)
    monkeypatch.setattr(command, "_judged", lambda exercise: {**JUDGED, "exercise": exercise.full_name})
    document = atlas("exercise", "watch", NAME, "--json").document
    check("exercise-watch", document)
    assert document["checked"] == 2


JUDGED = {"file": "x.py", "right": False, "empty": True, "checks": [], "mistake": None, "fault": None,
          "printed": ""}  # fmt: skip


@pytest.mark.parametrize(
    "line", ["list", f"start {NAME}", f"hint {NAME}", f"solution {NAME}", f"reset {NAME}"]
)
def test_a_start_loads_no_torch(line: str, tmp_path: Path) -> None:
    program = (
        "import sys, json\nfrom atlas_cli import app\n"
        "try:\n    app.main(sys.argv[1:])\n"
        "except SystemExit as end:\n    print(json.dumps([end.code, *sys.modules]), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "exercise", *line.split()], cwd=tmp_path,
        env=environment(tmp_path / "home"), capture_output=True, text=True, check=True,
    )  # fmt: skip
    code, *modules = json.loads(done.stderr.splitlines()[-1])
    assert code == 0
    assert not {"torch", "numpy", "pydantic", "matplotlib", "textual"} & set(modules)


def test_a_student_s_traceback_is_not_shown(tmp_path: Path) -> None:
    def atlas(*words: str) -> subprocess.CompletedProcess[str]:
        home = environment(tmp_path / "home")
        return subprocess.run(
            [*COMMAND, "exercise", *words], cwd=tmp_path, env=home, capture_output=True, text=True
        )

    atlas("start", NAME)
    file = tmp_path / "exercises" / f"{NAME}.py"
    file.write_text(file.read_text(encoding="utf-8").replace("raise NotImplementedError", "return 1 / 0"))
    told = atlas("check", NAME)
    assert told.returncode == 1
    assert "Traceback" not in told.stdout + told.stderr
    assert "ZeroDivisionError: division by zero" in told.stdout
    assert "return 1 / 0" in told.stdout
