"""What is typed is obeyed or refused, and hints name the command that was typed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from atlas_cli.commands import _complete
from atlas_cli.pages.text import Renderer
from atlas_cli.runs.folder import RunFolder
from tests.commands.house import CommandLine, made_run
from tests.e2e.helpers import ROOT


def test_resume_with_a_topic_takes_the_newest_run_of_that_topic(
    atlas: CommandLine,
    tmp_path: Path,
) -> None:
    root = tmp_path / "runs"
    made_run(root, "mamba/smoke")
    made_run(root, "ddpm/smoke", verdicts=None)  # the newest, and stopped
    said = atlas("train", "mamba", "--resume")
    assert said.code == 0
    assert "mamba-smoke-1 is already complete" in said.err
    assert said.err.endswith("\nnext  atlas sample mamba-smoke-1\n")
    said = atlas("train", "gpt", "--resume")
    assert said.code == 2
    assert "no run of gpt" in said.err


@pytest.mark.parametrize("arguments", [[], ["ddpm"]])
def test_a_run_that_another_process_trains_is_refused_before_anything_is_built(
    atlas: CommandLine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
) -> None:
    run = made_run(tmp_path / "runs", "ddpm/smoke", verdicts=None)
    monkeypatch.setattr("atlas_cli.commands._training.run_one", lambda *_: pytest.fail("it was built"))
    with run.lock():
        said = atlas("train", *arguments, "--resume", "ddpm-smoke-1")
    assert said.code == 2
    assert "ddpm-smoke-1 is being trained by process" in said.err


@pytest.mark.parametrize("arguments", [["mamba"], ["ddpm/small"], ["ddpm", "--recipe", "small"]])
def test_resume_of_a_run_of_something_else_is_refused(
    atlas: CommandLine,
    tmp_path: Path,
    arguments: list[str],
) -> None:
    made_run(tmp_path / "runs", "ddpm/smoke")
    said = atlas("train", *arguments, "--resume", "ddpm-smoke-1")
    assert said.code == 2
    assert "ddpm-smoke-1 trains ddpm/smoke" in said.err


def test_a_finished_run_is_not_trained_otherwise(
    atlas: CommandLine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made_run(tmp_path / "runs", "ddpm/smoke")
    monkeypatch.setattr(RunFolder, "steps_done", 20)
    said = atlas("train", "--resume", "ddpm-smoke-1", "--set", "train.lr=0.1")
    assert said.code == 2
    assert "train.lr: 0.002 -> 0.1" in said.err
    assert "train.steps=40" in said.err  # what would go on


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["train", "mmaba"], "atlas train mamba"),
        (["train", "diffusion"], "atlas train ddpm"),
        (["verify", "mmaba"], "atlas verify mamba"),
        (["recipe", "cp", "mmaba", "x.yaml"], "atlas recipe cp mamba"),
        (["recipe", "validate", "mmaba"], "atlas recipe validate mamba"),
        (["recipe", "schema", "mmaba"], "atlas recipe schema mamba"),
        (["version"], "atlas --version"),
        (["train", "latent", "diffusion"], "a name of several words goes in quotes"),
        (["ls", "mamba"], "atlas explain mamba"),
        (["explain", "ddpm", "--section", "nope"], "for example: atlas explain ddpm"),
        (["train", "ddpm", "--seeds", "2", "--resume", "x"], "leave out"),
        (["train", "ddpm", "--sweep", "d_state"], "--sweep d_state=2,8,16"),
    ],
)
def test_the_hint_names_the_command_that_was_typed(
    atlas: CommandLine,
    arguments: list[str],
    hint: str,
) -> None:
    said = atlas(*arguments)
    assert said.code == 2
    assert hint in said.err.splitlines()[-1]


def test_a_knob_out_of_range_is_refused_and_one_between_is_said(atlas: CommandLine) -> None:
    said = atlas("diagram", "noising", "--set", "t=9000")
    assert said.code == 2
    assert "from 0 to 199" in said.err
    said = atlas("diagram", "noising", "--set", "t=3.3", "--json")
    assert said.code == 0
    assert said.document["setting"]["t"] == 4
    assert "t is set to 4, the nearest to 3.3" in said.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["explain", "selective", "scan", "--json"],
        ["diagram", "selective", "scan", "--json"],
        ["code", "selective", "scan", "--json"],
        ["quiz", "state", "space", "models", "--json"],
        ["ls", "state", "space", "models", "--json"],
    ],
)
def test_names_of_several_words_need_no_quotes(atlas: CommandLine, arguments: list[str]) -> None:
    said = atlas(*arguments)
    assert said.code == 0, said.err
    assert "ssm" in said.out or "mamba" in said.out


def test_a_link_to_the_familys_own_page_names_the_family() -> None:
    renderer = Renderer(60, lambda name, room: [], "mamba", "ssm")
    renderer.render("the [family page](index.md) and [flow](../flow/index.md)")
    assert [line.plain for line in renderer.references()] == [
        "[a] atlas explain ssm",
        "[b] atlas explain flow",
    ]


class Line:
    """Stands in for the context that completion gets: what stands on the line before."""

    def __init__(self, **params: object) -> None:
        self.params = params


def test_completion_offers_recipes_fields_knobs_and_sections() -> None:
    def line(**params: object) -> typer.Context:
        return Line(**params)  # type: ignore[return-value]

    assert _complete.recipes_of_topic(line(topic="mamba"), "in") == ["induction"]
    assert "d_state=" in _complete.fields(line(topic="mamba", recipe="induction"), "d_")
    assert "train.steps=" in _complete.fields(line(topic="mamba/induction"), "train.s")
    assert _complete.knobs(line(topic="mamba", name="selective-scan"), "ga") == ["gate="]
    assert _complete.sections(line(topic=["mamba"]), "how it w") == ["How it works"]
    assert _complete.recipes_of_topic(line(topic="nothing"), "") == []


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("train gpt --recipe ", "small"),
        ("train gpt --recipe s", "smoke"),
        ("train gpt --set d_m", "d_model="),
        ("train mamba --recipe induction --set d_s", "d_state="),
        ("train mamba/induction --set d_s", "d_state="),
        ("recipe show gpt/small --set d_m", "d_model="),
        ("explain gpt --section What", "What it is"),
        ("explain selective scan --section What", "What it is"),
        ("diagram noising --set ", "t="),
        ("diagram mamba selective-scan --set g", "gate="),
        ("train --resume ", "latest"),
        ("explain mam", "mamba"),
    ],
)
def test_a_shell_is_offered_what_fits_the_line(tmp_path: Path, line: str, offered: str) -> None:
    words = f"atlas {line}"
    index = len(words.split()) - (not words.endswith(" "))
    asked = {"_ATLAS_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(index)}
    told = subprocess.run(
        [sys.executable, "-m", "atlas_cli"], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), **asked},
    )  # fmt: skip
    assert offered in told.stdout.splitlines(), told


def test_the_list_of_recipes_counts_the_parents(atlas: CommandLine) -> None:
    rows = {row["name"]: row for row in atlas("recipe", "ls", "kv-cache", "--json").document["recipes"]}
    parent = atlas("recipe", "ls", "gpt", "--json").document["recipes"]
    seconds = next(row["seconds"] for row in parent if row["name"] == "gpt/small")
    assert rows["kv-cache/small"]["builds_on"] == {"gpt/small": seconds}
    line = next(x for x in atlas("recipe", "ls", "kv-cache").out.splitlines() if "kv-cache/small" in x)
    assert f" {seconds} " in line


def test_ctrl_c_is_answered_with_a_word(atlas: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("atlas_cli.commands._asking._answer", stop)
    said = atlas("quiz", "gpt")
    assert said.code == 130
    assert said.err.splitlines()[-2:] == ["ended  interrupted", "hint   run the command again"]
