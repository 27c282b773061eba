"""`atlas learn`: it leads from step to step, knows what was done, and keeps that to itself."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from atlas_cli import catalog, deeds
from atlas_cli.learner import path, progress
from atlas_cli.pages import guess, quiz
from atlas_cli.screen import terminal
from tests.commands.house import CommandLine, Said, made_run
from tests.commands.test_schema import check
from tests.e2e.helpers import atlas as run_for_real


@pytest.fixture(autouse=True)
def _nothing_said_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deeds._Said, "already", False)


def learned(atlas: CommandLine, *arguments: str) -> dict:
    """The document."""
    document = atlas("learn", *arguments, "--json").document
    check("learn", document)
    return document


def do(topic: str, *steps: str) -> None:
    """Do steps of a topic, without the commands."""
    kinds: dict[str, Any] = {"read": "read", "turn": "turned", "look": "looked"}
    for step in steps:
        if step == "answer":
            for entry in path.entries_on(catalog.resolve(topic)):
                progress.record("answered", topic, entry.id, right=True, box=2)
        elif step == "guess":
            progress.record("guessed", topic, guess.id_of(catalog.resolve(topic)) or "", right=True)
        elif step == "code":
            for name in path.exercises_of(catalog.resolve(topic)):
                progress.record("coded", topic, name)
        elif step == "train":
            progress.record("trained", topic, f"{topic}/small", met=True)
            progress.record("met", topic, f"{topic}/small")
        else:
            progress.record(kinds[step], topic)


def test_a_newcomer_is_shown_a_first_step_and_the_goals(atlas: CommandLine) -> None:
    said = atlas("learn")
    assert said.code == 0
    assert "0 of" in said.out
    assert "▸ read" in said.out
    for goal in ("language-models", "images", "seeing", "robots"):
        assert f"atlas learn {goal}" in said.out
    assert said.err.startswith("next  atlas explain ")
    assert not progress.file().exists()


def test_what_commands_do_is_known(atlas: CommandLine) -> None:
    assert atlas("learn", "ddpm").err == "next  atlas explain ddpm\n"
    atlas("explain", "denoising diffusion")
    assert atlas("learn").err == "next  atlas guess ddpm\n"
    atlas("diagram", "ddpm", "noising")
    steps = {step["step"]: step["done"] for step in learned(atlas)["topics"][0]["steps"]}
    assert (steps["read"], steps["turn"], steps["guess"], steps["answer"]) == (True, True, False, False)


@pytest.mark.parametrize(
    "line",
    ["explain ddpm --json", "explain ddpm -f markdown", "explain --glossary KL", "diagram --list",
     "diagram ddpm noising --json", "diagram ddpm noising --out x.svg", "quiz ddpm --json",
     "explain ddpm --section References"],
)  # fmt: skip
def test_what_programs_ask_for_is_no_deed_of_the_learner(atlas: CommandLine, line: str) -> None:
    assert atlas(*line.split()).code == 0
    assert not progress.load().has("read", "ddpm", "")
    assert not {deed.kind for deed in progress.load().deeds} - {"read"}


def test_a_path_goes_on_to_the_next_topic_and_comes_to_its_end(atlas: CommandLine) -> None:
    atlas("learn", "mamba")
    do("s4", "read", "guess", "turn", "answer", "code", "train", "look")
    assert "1 of 2 topics done" in atlas("learn").out
    assert learned(atlas)["next"]["topic"] == "mamba"
    do("mamba", "read", "guess", "turn", "answer", "code", "train", "look")
    said = atlas("learn")
    assert "2 of 2 topics done" in said.out
    assert said.err == "  2 of 2 guesses right\nnext  atlas learn everything  this path is done\n"
    assert learned(atlas)["next"] is None
    families = {family["slug"]: family for family in learned(atlas)["families"]}
    assert families["ssm"]["trained"] == {"reached": 2, "of": 5}
    assert families["ssm"]["met"]["reached"] == families["ssm"]["answered"]["reached"] == 2
    assert families["gan"]["read"]["reached"] == 0


def test_a_goal_stays_until_another_is_chosen(atlas: CommandLine) -> None:
    assert learned(atlas, "language", "models")["goal"]["slug"] == "language-models"
    assert learned(atlas)["goal"]["slug"] == "language-models"
    assert learned(atlas, "everything")["goal"]["slug"] == "everything"
    assert progress.load().settings == {}
    said = atlas("learn", "mambo")
    assert said.code == 2
    assert "atlas learn mamba" in said.err


def test_a_path_of_one_topic_has_no_gap_where_nothing_follows(atlas: CommandLine) -> None:
    assert "\n\n\n" not in atlas("learn", "gan").out


def test_topics_to_come_are_named_and_are_no_steps(atlas: CommandLine) -> None:
    document = learned(atlas, "robots")
    unfinished = [topic for topic in document["topics"] if not topic["finished"]]
    assert unfinished
    assert not any(topic["steps"] for topic in unfinished)
    told = atlas("learn").out
    assert "to come  " in told
    assert unfinished[0]["slug"] in told


def test_a_step_can_be_left_out(atlas: CommandLine) -> None:
    atlas("learn", "ddpm")
    said = atlas("learn", "--skip")
    assert "– read" in said.out
    assert "left out" in said.out
    assert said.err == "next  atlas guess ddpm\n"
    assert learned(atlas)["topics"][0]["steps"][0]["skipped"]
    do("ddpm", "read")
    assert "✓ read" in atlas("learn").out


@pytest.mark.parametrize("goal", ["everything", "images", "language-models", "robots", "zamba"])
@pytest.mark.parametrize("begun", [False, True])
def test_it_fits_a_small_screen(
    atlas: CommandLine, monkeypatch: pytest.MonkeyPatch, goal: str, begun: bool
) -> None:
    if begun:
        do("zamba", "read")
        do("gpt", "read", "guess", "answer")
        monkeypatch.setattr(time, "time", lambda now=time.time(): now + 100 * 86_400)  # questions are due
    said = atlas("learn", goal)
    lines = (said.out + said.err).splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    monkeypatch.setattr(terminal.out, "_width", 40)
    assert max(map(len, atlas("learn").out.splitlines())) <= 40


def test_plain_output_is_ascii(tmp_path: Path) -> None:
    run_for_real("explain", "ddpm", "--section", "References", cwd=tmp_path)
    for arguments in (["learn", "ddpm"], ["learn", "--skip"], []):
        ran = run_for_real(*arguments, "--plain", cwd=tmp_path, COLUMNS="80", FORCE_COLOR="1")
        assert ran.returncode == 0
        assert ran.stdout.isascii()
        assert "\x1b" not in ran.stdout


def test_quiet_says_no_more_than_the_path(atlas: CommandLine) -> None:
    said = atlas("learn", "-q")
    assert said.err == ""
    assert "▸ read" in said.out


def test_the_map_opens_with_the_next_step_where_something_was_begun(atlas: CommandLine) -> None:
    before = atlas()
    assert "next" not in before.out
    assert "atlas train ddpm" in before.out
    do("mamba", "read")
    lines = atlas().out.splitlines()
    assert lines[0].startswith("  next  atlas guess mamba  Mamba: guess, ")
    assert len(lines) < 24
    do("mamba", "guess")
    assert atlas().out.splitlines()[0].startswith("  next  atlas diagram mamba ")


def test_due_questions_are_told(atlas: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = path.entries_on(catalog.resolve("ddpm"))[0]
    progress.record("answered", "ddpm", entry.id, right=False, box=0)
    progress.record("answered", "ddpm", "gone from the file", right=False, box=0)
    assert learned(atlas)["questions"] == {"answered": 2, "due": 0}
    monkeypatch.setattr(time, "time", lambda now=time.time(): now + 700)
    assert learned(atlas)["questions"]["due"] == 1
    assert "1 question is due: atlas quiz" in atlas("learn").err


def test_reset_asks_first(atlas: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    do("ddpm", "read")

    def asked(answer: bool, *arguments: str) -> Said:
        monkeypatch.setattr("typer.confirm", lambda *_, **__: answer)
        return atlas("learn", "--reset", *arguments)

    assert asked(False).code == 0
    assert progress.load().has("read", "ddpm")
    document = asked(False, "--yes", "--json").document
    check("learn-reset", document)
    assert document["reset"]
    assert progress.load() == progress.Progress()
    assert "there was nothing to forget" in asked(True).err


def test_export_writes_a_copy_that_says_all(atlas: CommandLine, tmp_path: Path) -> None:
    atlas("learn", "images")
    do("ddpm", "read")
    document = atlas("learn", "--export", "mine.json", "--json").document
    check("learn-export", document)
    assert json.loads((tmp_path / "mine.json").read_text()) == json.loads(progress.file().read_text())
    (tmp_path / "folder").mkdir()
    said = atlas("learn", "--export", "folder")
    assert said.code == 4
    assert "name another file: --export FILE" in said.err


@pytest.mark.parametrize(
    "line", ["learn images --skip", "learn --skip --reset", "learn --reset --export x", "learn --yes"]
)
def test_what_contradicts_is_refused(atlas: CommandLine, line: str) -> None:
    assert atlas(*line.split()).code == 2


def test_where_nothing_can_be_kept_everything_works_and_one_line_says_so(
    atlas: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "no-folder").write_text("")
    monkeypatch.setenv("ATLAS_HOME", str(tmp_path / "no-folder"))
    said = atlas("explain", "ddpm")
    assert said.code == 0
    assert said.err.count("what you do is not kept") == 1
    assert "Denoising diffusion" in said.out
    monkeypatch.setattr(deeds._Said, "already", False)
    said = atlas("learn", "images")
    assert said.code == 0
    assert "Your path: Images" in said.out
    assert said.err.count("what you do is not kept") == 1
    monkeypatch.setattr(deeds._Said, "already", False)
    assert atlas("explain", "ddpm", "-q").err == ""


def test_a_training_is_remembered_with_its_verdict(
    atlas: CommandLine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    said = atlas("train", "mamba", "--recipe", "smoke", "--set", "train.steps=2")
    assert said.code == 0
    (trained,) = progress.load().of("mamba")
    assert (trained.kind, trained.what, trained.facts["met"]) == ("trained", "mamba/smoke", None)
    assert Path(trained.facts["run"]) == tmp_path / "runs" / "mamba-smoke-1"
    assert atlas("sample", "mamba").code == 0
    assert progress.load().has("looked", "mamba", "mamba-smoke-1")


def test_claims_that_were_met_are_a_deed_of_their_own(tmp_path: Path) -> None:
    from types import SimpleNamespace

    from atlas_cli.commands import _training

    recipe = SimpleNamespace(system="ddpm", name="ddpm/small")
    for met, kinds in ((False, {"trained"}), (True, {"trained", "met"})):
        run = made_run(tmp_path / "runs", "ddpm/small")
        _training._keep(recipe, SimpleNamespace(run=run, met=met))  # type: ignore[arg-type]
        assert {deed.kind for deed in progress.load().of("ddpm")} == kinds
    _training._keep(recipe, SimpleNamespace(run=None, met=True))  # type: ignore[arg-type]
    assert progress.load().of("ddpm", "met")[0].times == 1


def test_a_question_is_asked_in_the_index_by_the_name_that_answers_have() -> None:
    question = quiz.load(catalog.resolve_family("gan")).questions[0]
    assert quiz.named([("gan", question.id), ("gan", "gone"), ("no-topic", "x")]).questions == (question,)


def test_of_many_families_the_one_at_hand_and_those_begun_are_shown(atlas: CommandLine) -> None:
    from atlas_cli.commands import _learning
    from atlas_cli.commands._learning import Count

    families = catalog.families()
    begun = {"vlm": 1, "gan": 2}
    counts = {family: {"read": Count(begun.get(family.slug, 0), 3)} for family in families}
    shown = [family.slug for family in _learning._begun_first(counts, catalog.resolve("sdf"))]
    assert shown == ["transformer", "ssm", "gan", "vlm", "scene3d"]
    assert len(_learning._begun_first(counts, None)) == len(shown)
