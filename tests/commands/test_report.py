"""`atlas report`: what was done, in one small file, with what tells a run's figures from typed ones."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from atlas_cli import catalog
from atlas_cli.classroom import received
from atlas_cli.classroom.report import digest
from atlas_cli.commands import exercise as exercises
from atlas_cli.exercises import find
from atlas_cli.learner import path, progress
from atlas_cli.runs import hashes
from atlas_cli.runs.folder import RunFolder
from tests.commands.house import CommandLine, made_run, verdict
from tests.commands.test_schema import check
from tests.e2e.helpers import environment

FOUND: dict[str, Any] = {
    "right": False, "empty": False, "checks": [], "mistake": None, "fault": None, "file": "x.py",
    "printed": "",
}  # fmt: skip


def reported(atlas: CommandLine, *arguments: str) -> dict[str, Any]:
    document = atlas("report", "--name", "Anna Meier", *arguments, "--json").document
    check("report", document)
    return document["report"]


def keep(run: RunFolder, met: bool | None = True) -> None:
    """As a training keeps it."""
    recipe = run.info["recipe"]
    facts = {"run": str(run.path.absolute()), "met": met, "hashes": hashes.of(run)}
    progress.record("trained", recipe.split("/")[0], recipe, **facts)
    if met:
        progress.record("met", recipe.split("/")[0], recipe, run=str(run.path.absolute()))


def test_it_says_what_was_read_answered_coded_trained_and_met(atlas: CommandLine, tmp_path: Path) -> None:
    questions = path.entries_on(catalog.resolve("mamba"))
    progress.record("read", "mamba")
    progress.record("answered", "mamba", questions[0].id, right=True, box=2)
    progress.record("answered", "mamba", questions[1].id, right=False, box=0)
    progress.record("answered", "mamba", "gone from the file", right=True, box=2)
    name = path.exercises_of(catalog.resolve("mamba"))[0]
    progress.record("tried", "mamba", name, right=True)
    progress.record("coded", "mamba", name)
    keep(made_run(tmp_path / "runs", verdicts=[verdict()]))
    report = reported(atlas)
    (mamba,) = report["topics"]
    assert (mamba["read"], mamba["answered"], mamba["right"]) == (True, 2, 1)
    assert (mamba["questions"], mamba["coded"]) == (len(questions), 1)
    assert (mamba["trained"], mamba["met"]) == (True, True)
    assert report["exercises"] == [
        {"exercise": f"mamba/{name}", "solved": True, "checks": 1, "mistakes": []}
    ]  # fmt: skip
    (run,) = report["runs"]
    assert (run["recipe"], run["run"], run["status"]) == ("mamba/induction", "mamba-induction-1", "complete")
    assert run["claims"] == [{"metric": "accuracy", "bar": ">= 0.9", "figure": 0.95, "passed": True}]
    assert run["as_trained"] is True
    assert run["hashes"]["result"]
    assert run["hashes"]["metrics"]


def test_the_file_is_small_is_named_after_the_student_and_can_be_read_back(atlas: CommandLine) -> None:
    for topic in catalog.topics():
        progress.record("read", topic.slug)
        for entry in path.entries_on(topic):
            progress.record("answered", topic.slug, entry.id, right=True, box=2)
    said = atlas("report", "--name", "  Zoë  van 't Hof ")
    assert (said.code, said.out) == (0, "report-zoë-van-t-hof.json\n")
    assert "no proof against forgery" in said.err
    file = Path("report-zoë-van-t-hof.json")
    assert file.stat().st_size < 64_000
    assert received.read(file).name == "Zoë van 't Hof"
    assert "no proof" in json.loads(file.read_text(encoding="utf-8"))["note"]


def test_no_place_on_the_machine_is_told(atlas: CommandLine, tmp_path: Path) -> None:
    keep(made_run(tmp_path / "runs", verdicts=[verdict()]))
    atlas("report", "--name", "Anna", "-o", "a.json")
    assert str(tmp_path) not in Path("a.json").read_text(encoding="utf-8")


def test_one_changed_letter_is_known(atlas: CommandLine) -> None:
    progress.record("read", "ddpm")
    atlas("report", "--name", "Anna", "-o", "a.json")
    text = Path("a.json").read_text(encoding="utf-8")
    body = {key: value for key, value in json.loads(text).items() if key != "digest"}
    assert digest(body) == json.loads(text)["digest"]
    for old, new in (('"read": true', '"read": false'), ("Anna", "Anne"), ('"answered": 0', '"answered": 1')):
        Path("b.json").write_text(text.replace(old, new), encoding="utf-8")
        with pytest.raises(ValueError, match="was changed after it was written"):
            received.read(Path("b.json"))
    Path("b.json").write_text(json.dumps(json.loads(text)), encoding="utf-8")  # other blanks are no change
    assert received.read(Path("b.json")).name == "Anna"


def test_a_result_that_was_typed_is_told_from_the_run_s_own(atlas: CommandLine, tmp_path: Path) -> None:
    run = made_run(tmp_path / "runs", verdicts=[verdict(figure=0.5, passed=False)])
    keep(run, met=False)
    own = reported(atlas)["runs"][0]
    result = run.path / "result.json"
    result.write_text(result.read_text().replace("0.5", "0.99").replace('"passed": false', '"passed": true'))
    typed = reported(atlas)["runs"][0]
    assert (own["as_trained"], typed["as_trained"]) == (True, False)
    assert typed["claims"][0]["figure"] == 0.99
    assert typed["hashes"]["result"] != own["hashes"]["result"]
    assert typed["hashes"]["metrics"] == own["hashes"]["metrics"]


def test_a_run_that_is_gone_is_told_as_it_was_kept(atlas: CommandLine, tmp_path: Path) -> None:
    run = made_run(tmp_path / "runs", verdicts=[verdict()])
    kept = hashes.of(run)
    keep(run)
    run.remove()
    told = reported(atlas)["runs"][0]
    assert (told["status"], told["met"], told["hashes"], told["as_trained"]) == ("gone", True, kept, None)


@pytest.mark.parametrize(
    "result",
    [
        "{",
        '{"verdicts": 3}',
        '{"verdicts": [3]}',
        '{"verdicts": [{"figure": "x", "passed": "y"}]}',
        "[]",
        '{"verdicts": [{"metric": "\\u202e", "bar": "' + "x" * 900 + '", "figure": 1' + "0" * 400 + "}]}",
    ],
)
def test_whatever_stands_in_the_result_the_report_is_written(
    atlas: CommandLine, tmp_path: Path, result: str
) -> None:
    run = made_run(tmp_path / "runs", verdicts=[verdict()])
    keep(run)
    (run.path / "result.json").write_text(result)
    assert reported(atlas)["runs"][0]["as_trained"] is False
    assert received.read(Path("report-anna-meier.json")).runs  # and a teacher can read it


def test_nothing_done_is_said(atlas: CommandLine) -> None:
    said = atlas("report", "--name", "Anna")
    assert said.code == 0
    assert "nothing was done yet" in said.err
    assert received.read(Path("report-anna.json")).topics == ()


def test_another_s_file_is_not_written_over(atlas: CommandLine) -> None:
    atlas("report", "--name", "Anna", "-o", "mine.json")
    assert atlas("report", "--name", "Anna", "-o", "mine.json").code == 0
    said = atlas("report", "--name", "Bert", "-o", "mine.json")
    assert (said.code, "mine.json is the report of Anna" in said.err) == (2, True)
    Path("homework.txt").write_text("mine")
    said = atlas("report", "--name", "Bert", "-o", "homework.txt")
    assert (said.code, "is no report of atlas" in said.err) == (2, True)
    assert Path("homework.txt").read_text() == "mine"
    assert atlas("report", "--name", "Bert", "-o", "no/such/file.json").code == 4


@pytest.mark.parametrize("name", ["", "  ", "a\x1bb", "d\u202eb", "x" * 101])
def test_what_is_no_name_is_refused(atlas: CommandLine, name: str) -> None:
    assert atlas("report", "--name", name).code == 2


@pytest.mark.parametrize(
    ("name", "file"),
    [("李小龙", "report-李小龙.json"), ("../../etc", "report-etc.json"), ("!!!", "report-student.json"),
     ("م\u200cی", "report-م-ی.json"), ("𝔸" * 100, f"report-{'𝔸' * 50}.json")],
)  # fmt: skip
def test_every_name_makes_a_file_here(atlas: CommandLine, name: str, file: str) -> None:
    said = atlas("report", "--name", name)
    assert said.code == 0, said.err
    assert [path.name for path in Path().glob("report-*")] == [file]


# --- what a check of an exercise leaves behind -------------------------------------------------------


def test_a_recognised_mistake_is_remembered_and_reported(
    atlas: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    exercise = find.find("ddpm/add_noise")
    says = exercise.mistakes[1].says

    def judged(**found: Any) -> None:
        monkeypatch.setattr("atlas_cli.exercises.ask.ask", lambda _: {**FOUND, **found})
        exercises._judged(exercise)

    judged(empty=True)
    assert progress.load() == progress.Progress()
    judged(mistake=says)
    judged(mistake=says)
    judged()  # wrong, and by no known mistake
    (told,) = reported(atlas)["exercises"]
    assert told == {
        "exercise": "ddpm/add_noise", "solved": False, "checks": 3,
        "mistakes": [{"says": " ".join(says.split()), "times": 2}],
    }  # fmt: skip
    judged(right=True)
    (told,) = reported(atlas)["exercises"]
    assert (told["solved"], told["checks"], len(told["mistakes"])) == (True, 4, 1)


def test_a_real_check_leaves_its_mistake(atlas: CommandLine) -> None:
    from atlas_cli.exercises import work
    from atlas_cli.exercises.cut import cut

    exercise = find.find("gan/discriminator_loss")
    atlas("exercise", "start", exercise.full_name)
    work.file_of(exercise).write_text(cut(exercise).mistaken(exercise.mistakes[2]), encoding="utf-8")
    assert atlas("exercise", "check", exercise.full_name).code == 1
    (deed,) = progress.load().of("gan", "mistaken")
    assert (deed.what, deed.facts["says"]) == ("discriminator_loss/3", exercise.mistakes[2].says)


# --- nothing leaves the machine ----------------------------------------------------------------------

_WATCHED = """
import sys
opened = []
sys.addaudithook(lambda event, _: opened.append(event) if event.startswith("socket.") else None)
from atlas_cli import app
try:
    app.main(sys.argv[1:])
except SystemExit as end:
    print([end.code, opened], file=sys.stderr)
"""


@pytest.mark.parametrize(
    "line",
    ["learn images", "learn --export mine.json", "learn --reset --yes", "report --name Anna",
     "lab diffusion -o lab.md", "class collect reports -o class.html"],
)  # fmt: skip
def test_no_socket_is_opened(tmp_path: Path, line: str) -> None:
    def run(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", _WATCHED, *words], cwd=tmp_path, env=environment(tmp_path / "home"),
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stderr.splitlines()[-1]

    if line.startswith("class"):
        (tmp_path / "reports").mkdir()
        run("report", "--name", "Anna", "-o", "reports/a.json")
    assert run(*line.split()) == "[0, []]"


def test_a_socket_would_be_seen(tmp_path: Path) -> None:
    program = _WATCHED.replace(
        "app.main(sys.argv[1:])", "import socket; socket.socket().close(); sys.exit(0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment(tmp_path / "home"),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "socket.__new__" in done.stderr
