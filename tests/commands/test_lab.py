"""`atlas lab`: a sheet that fits the minutes, of commands that run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from atlas_cli import catalog
from atlas_cli.classroom import pieces
from atlas_cli.classroom.plan import Plan, plan
from atlas_cli.classroom.sheet import markdown
from atlas_cli.exercises import find
from atlas_cli.learner.path import is_finished
from atlas_cli.recipe import times
from atlas_cli.screen import terminal
from tests.commands.house import CommandLine
from tests.commands.test_schema import check
from tests.e2e.helpers import ROOT, environment
from tests.pages import leads

WRITTEN = [family for family in catalog.families() if any(map(is_finished, family.topics))]


def of(name: str, minutes: int) -> Plan:
    return plan(catalog.resolve_any(name), minutes)


@pytest.mark.parametrize("family", WRITTEN, ids=lambda family: family.slug)
@pytest.mark.parametrize("minutes", [15, 45, 90, 240])
def test_it_fits_the_minutes_with_some_to_spare(family: catalog.Family, minutes: int) -> None:
    found = plan(family, minutes)
    assert found.takes <= 0.9 * minutes or {step.piece.kind for step in found.steps} <= {"read", "answer"}
    at = 0
    for step in found.steps:  # no gap, and nothing at once
        assert step.at == at
        assert step.minutes >= 1
        at += step.minutes
    assert found.takes == at + pieces.A_HAND_IN


def test_more_minutes_hold_more() -> None:
    taken = [of("diffusion", minutes).takes for minutes in (15, 30, 60, 90, 180, 400)]
    assert taken == sorted(taken)
    topics = [len(of("diffusion", minutes).topics) for minutes in (30, 90, 180)]
    assert topics == sorted(topics)
    assert topics[0] < topics[-1]


def test_the_longer_recipe_is_trained_where_there_is_time() -> None:
    assert [t.recipe.name for t in of("gpt", 20).trainings] == ["gpt/ci"]
    assert [t.recipe.name for t in of("gpt", 90).trainings] == ["gpt/small"]
    sheet = markdown(of("gpt", 20))
    assert "There is no time to train gpt/small (about " in sheet
    assert " on a laptop" in sheet


def test_times_are_those_that_were_measured_and_the_ablation_counts() -> None:
    (training,) = of("ddpm", 90).trainings
    assert training.seconds == times.seconds("ddpm/small")  # its ablation samples the same weights otherwise
    (training,) = of("gpt", 90).trainings
    assert training.seconds == 2 * (times.seconds("gpt/small") or 0)
    assert training.minutes == -(-training.seconds // 60) + pieces.JUDGING


def test_a_training_computes_while_the_next_things_are_done() -> None:
    steps = of("ddpm", 90).steps
    (started,) = (step for step in steps if step.piece.kind == "train")
    (looked,) = (step for step in steps if step.piece.kind == "look")
    assert started.piece.training is not None
    assert looked.at - started.at >= started.piece.training.minutes
    assert started.minutes == 1 + started.waits


def test_a_training_that_nothing_covers_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(times, "seconds", lambda name: 6000.0)
    found = of("ddpm", 200)
    (started,) = (step for step in found.steps if step.piece.kind == "train")
    (looked,) = (step for step in found.steps if step.piece.kind == "look")
    assert looked.at - started.at == 101
    assert started.waits > 0
    assert f"Wait {started.waits} minutes of them" in markdown(found)


def test_a_recipe_whose_time_nobody_measured_is_not_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(times, "seconds", lambda name: None)
    found = of("ddpm", 90)
    assert not found.trainings
    assert "Nothing is trained: there is no recipe whose time was measured." in markdown(found)
    assert {step.piece.kind for step in found.steps} == {"read", "guess", "turn", "code", "answer"}


def test_what_does_not_fit_says_so(atlas: CommandLine) -> None:
    said = atlas("lab", "mamba", "--minutes", "5")
    assert said.code == 0
    assert "This does not fit: the least that makes a lab takes " in said.out
    assert "and 5 were given" in said.err
    document = atlas("lab", "mamba", "--minutes", "5", "--json").document
    assert not document["fits"]
    assert document["takes"] > 5


def test_what_it_builds_on_is_made_before_the_lab(atlas: CommandLine) -> None:
    document = atlas("lab", "kv-cache", "--json").document
    check("lab", document)
    before = document["before"]
    assert before["command"] == "atlas prepare kv-cache/small"
    assert before["trains"] == [{"recipe": "gpt/small", "seconds": times.seconds("gpt/small")}]
    assert "Who has not met gpt reads what it is" in atlas("lab", "kv-cache").out
    own = of("transformer", 240)  # which trains it itself
    assert "gpt/small" in [training.recipe.name for training in own.trainings]
    assert "among it" not in markdown(own)


@pytest.mark.parametrize("family", WRITTEN, ids=lambda family: family.slug)
def test_every_command_of_a_sheet_leads_somewhere(family: catalog.Family) -> None:
    sheet = markdown(plan(family, 1000))
    typed = {line for line in sheet.splitlines() if line.startswith("atlas ")}
    typed |= set(re.findall(r"`(atlas [^`]+)`", sheet))
    assert {line.split()[1] for line in typed} >= {"explain", "quiz", "train", "sample", "prepare", "report"}
    for line in typed:
        leads.require(line)
        if line.startswith("atlas exercise"):
            assert find.find(line.split()[-1]).full_name == line.split()[-1]


def test_it_is_markdown_in_a_pipe_and_in_a_file_and_composed_on_a_terminal(
    atlas: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    piped = atlas("lab", "gan", "--minutes", "60")
    assert piped.out.startswith("# ")
    assert "```\natlas explain gan" in piped.out
    said = atlas("lab", "gan", "--minutes", "60", "-o", "lab.md")
    assert (said.code, said.out) == (0, "lab.md\n")
    assert Path("lab.md").read_text(encoding="utf-8") == piped.out
    monkeypatch.setattr(terminal.out, "_force_terminal", True)
    for width in (40, 80, 140):
        monkeypatch.setattr(terminal.out, "_width", width)
        shown = re.sub(r"\x1b\[[0-9;]*m", "", atlas("lab", "gan", "--minutes", "60").out)
        assert "```" not in shown
        assert "# " not in shown
        assert max(map(len, shown.splitlines())) <= width
        assert "    atlas explain gan" in shown


@pytest.mark.parametrize(
    ("line", "told"),
    [("vlm", "no chapter on vlm is written yet"), ("nope", "no topic or family is called 'nope'"),
     ("gan --minutes 3", "3 is not in the range"), ("gan --minutes 99999", "is not in the range")],
)  # fmt: skip
def test_what_cannot_be_planned_is_refused(atlas: CommandLine, line: str, told: str) -> None:
    said = atlas("lab", *line.split())
    assert said.code == 2
    assert told in said.err


def test_it_loads_no_torch(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom atlas_cli import app\n"
        "try:\n    app.main(['lab', 'diffusion'])\n"
        "except SystemExit:\n    print('torch' in sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True,
        env=environment(tmp_path / "home", PYTHONPATH=str(ROOT)),
    )  # fmt: skip
    assert done.stderr.splitlines()[-1] == "False"
