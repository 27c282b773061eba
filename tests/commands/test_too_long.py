"""What is typed may be of any length: the answer is short, and says which option or argument it is about."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from atlas_cli import app
from atlas_cli.errors import UsageError
from tests.commands.house import CommandLine, made_run

#: What a command asks for beside the option that is tried.
BESIDE = {
    "diagram": ["noising"], "explain": ["gpt"], "prepare": ["gpt/ci"], "recipe show": ["gpt/smoke"],
    "train": ["gpt/smoke"], "verify": ["gpt/ci"], "site": ["site"], "recipe cp": ["gpt/smoke"],
    "run compare": ["mamba-induction-1", "mamba-induction-2"], "run rm": ["mamba-induction-1"],
}  # fmt: skip
TEXTS = {"name": "a" * 300, "text": "b" * 5000, "path": "/tmp/" + "/".join(["c" * 200] * 30)}
#: Of a prompt a model says itself how much it reads; a tag that no run has is no fault.
OTHERWISE = {("sample", "--prompt"), ("run ls", "--tag")}


def leaves(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    inner = getattr(command, "commands", None)
    if inner is None:
        yield " ".join(path), command
    for name, below in (inner or {}).items():
        yield from leaves(below, (*path, name))


def typed() -> list[tuple[str, str, bool]]:
    """Each command with each of its options that takes a value, and whether that is a place."""
    found = []
    for name, command in leaves(typer.main.get_command(app.build())):
        for parameter in command.params:
            takes = parameter.param_type_name == "option" and not getattr(parameter, "is_flag", False)
            if takes and (name, parameter.opts[0]) not in OTHERWISE:
                found.append((name, parameter.opts[0], parameter.type.name == "path"))
    return found


@pytest.fixture
def atlas(atlas: CommandLine) -> CommandLine:
    """With two runs."""
    for _ in range(2):
        made_run(Path("runs"))
    return atlas


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_options(atlas: CommandLine, text: str) -> None:
    tried = typed()
    assert len(tried) > 50
    for name, option, is_place in tried:
        said = atlas(*name.split(), *BESIDE.get(name, []), option, text)
        assert said.code == 2, (name, option, said)
        assert len(said.err) < 900, (name, option)
        if is_place:
            assert f"({option})" in said.err, (name, option, said.err)
            assert "is too long" in said.err


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize(
    "before",
    ["code", "diagram", "explain", "ls", "prepare", "quiz", "recipe ls", "recipe show", "recipe cp gpt/smoke",
     "run show", "run plot", "run film", "run rm", "run compare latest", "run export", "sample", "schema",
     "site", "train", "verify"],
)  # fmt: skip
def test_arguments(atlas: CommandLine, before: str, text: str) -> None:
    said = atlas(*before.split(), text)
    assert said.code == 2
    assert len(said.err) < 900


@pytest.mark.parametrize(
    ("arguments", "of"),
    [
        ("train gpt/smoke --name", "name of the run (--name)"), ("train gpt/smoke --tag", "tag (--tag)"),
        ("train --resume", "run (--resume)"), ("diagram attention-heads --run", "run (--run)"),
        ("run show", "name of a run"), ("run plot --save", "picture (--save)"),
        ("run compare latest latest --save", "picture (--save)"), ("run export --save", "file (--save)"),
        ("sample --save", "folder of the samples (--save)"),
    ],
)  # fmt: skip
def test_what_is_too_long_is_named(atlas: CommandLine, arguments: str, of: str) -> None:
    said = atlas(*arguments.split(), "a" * 300)
    assert (said.code, "run folder" in said.err) == (2, False)
    assert f"the {of} 'aaaa" in said.err
    assert "is too long" in said.err


def test_a_picture_that_cannot_be_written_is_not_blamed_on_out(atlas: CommandLine) -> None:
    said = atlas("run", "plot", "--save", "no/such/place.png")
    assert said.code == 4
    assert "no/such/place.png" in said.err
    assert "--save" in said.err
    assert "--out" not in said.err


def test_a_tag_that_no_run_has_is_not_taken_for_no_runs(atlas: CommandLine) -> None:
    said = atlas("run", "export", "--tag", "mine")
    assert said.code == 2
    assert "no run in runs is tagged 'mine'" in said.err


def test_a_recipe_named_twice(atlas: CommandLine) -> None:
    said = atlas("train", "gpt/smoke", "--recipe", "small")
    assert said.code == 2
    assert "'gpt/smoke' is a recipe, and --recipe names another" in said.err


def test_words_are_cut_in_whatever_an_error_says() -> None:
    error = UsageError(f"no {'x' * 301} here", f"try '{'y' * 5000}'", ["z" * 400], [])
    assert (error.what, str(error)) == (f"no {'x' * 57}... here",) * 2
    assert error.hint == f"try '{'y' * 57}...'"
    assert error.details == ["z" * 57 + "..."]
    assert len(UsageError("a b " * 5000, "").what) == 2000
    assert UsageError("/" + "p" * 299, "").what == "/" + "p" * 299
