"""Every JSON document is one that `atlas schema` describes, and every command with --json has a schema."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import typer

from atlas_cli import app
from atlas_cli.commands import _training, schema
from atlas_cli.engine.build import Options
from atlas_cli.engine.trainer import execute
from atlas_cli.present.reporter import SilentReporter
from atlas_cli.recipe import recipes
from tests.commands.house import CommandLine, made_run, verdict

Validator = jsonschema.Draft202012Validator


def check(name: str, document: Any) -> None:
    """Raises at the first thing that the schema does not know."""
    assert isinstance(document, dict)
    Validator(schema.of(name)).validate(document)


@pytest.mark.parametrize("name", schema.names())
def test_a_schema_is_one(name: str) -> None:
    Validator.check_schema(schema.of(name))


def commands() -> dict[str, typer.core.TyperCommand]:
    """Every command and subcommand: "train", "run-ls"."""
    root = typer.main.get_command(app.build())
    found = {}
    for name, command in root.commands.items():  # type: ignore[attr-defined]
        inner = getattr(command, "commands", None)
        found |= {f"{name}-{sub}": child for sub, child in inner.items()} if inner else {name: command}
    return found


def test_every_command_takes_json_and_has_its_schema() -> None:
    for name, command in commands().items():
        assert any("--json" in parameter.opts for parameter in command.params), name
        if name != "recipe-schema":  # which is a schema
            assert name in schema.names()


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("ls", "ls"), ("explain", "explain mamba"), ("explain", "explain ssm"),
        ("explain-glossary", "explain --glossary"),
        ("explain-glossary", "explain --glossary KL"), ("code", "code mamba"),
        ("quiz", "quiz ssm"), ("quiz", "quiz ssm --answers"), ("quiz", "quiz"), ("learn", "learn"),
        ("guess", "guess"), ("guess", "guess ddpm"), ("guess", "guess s4 --say 0.5"),
        ("learn-reset", "learn --reset --yes"), ("learn-export", "learn --export mine.json"),
        ("diagram", "diagram mamba"),
        ("diagram", "diagram noising"), ("diagram-list", "diagram ssm --list"), ("schema", "schema"),
        ("recipe-ls", "recipe ls transformer"), ("recipe-show", "recipe show kv-cache/small"),
        ("recipe-validate", "recipe validate ddpm/smoke bad.yaml none.yaml"),
        ("recipe-cp", "recipe cp ddpm/smoke mine.yaml"),
        ("recipe-stale", "recipe stale"), ("error", "train bad.yaml"), ("error", "train nope"),
        ("error", "train ddpm --no-such-option"), ("run-ls", "run ls"), ("run-show", "run show latest"),
        ("run-show", "run show mamba-induction-2"), ("run-plot", "run plot mamba-induction-1"),
        ("run-compare", "run compare mamba-induction-1 mamba-induction-2"),
        ("run-export", "run export"), ("run-rm", "run rm -y mamba-induction-2"),
        ("train", "train --resume mamba-induction-1"), ("doctor", "doctor"),
        ("doctor", "doctor --class fsq"), ("prepare", "prepare ddpm fsq --dry-run"),
    ],
)  # fmt: skip
def test_a_document_is_what_its_schema_says(
    atlas: CommandLine,
    tmp_path: Path,
    name: str,
    line: str,
) -> None:
    (tmp_path / "bad.yaml").write_text("system: ddpm\nbase: ddpm/smoke\nmodel: {widht: 3}\n")
    root = tmp_path / "runs"
    made_run(root, verdicts=[verdict(), verdict("gain", passed=None, figure=None, ablated=None)])
    made_run(root, verdicts=None)
    check(name, atlas(*line.split(), "--json").document)


def test_the_findings_of_a_recipe_say_where_they_are(atlas: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("system: ddpm\nbase: ddpm/smoke\nmodel: {widht: 3}\n")
    (told,) = atlas("recipe", "validate", "bad.yaml", "--json").document["recipes"]
    assert told["errors"] == [
        {"file": "bad.yaml", "line": 3, "column": 9, "field": "model.widht",
         "what": "unknown field; did you mean width?"}
    ]  # fmt: skip
    assert atlas("train", "bad.yaml", "--json").document["findings"] == told["errors"]


def test_the_documents_of_trainings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from atlas_cli.commands import _series
    from atlas_cli.engine.verification import Verification

    monkeypatch.chdir(tmp_path)
    recipe = recipes.resolve("ddpm/smoke", ["train.steps=2", "train.precision=fp32"])
    outcome = execute(recipe, Options(out=Path("runs"), device="cpu"), SilentReporter())
    told = _training.document(recipe, outcome)
    check("train", told)
    assert (told["seed"], told["device"], told["precision"], told["steps"]) == (0, "cpu", "fp32", 2)
    assert told["parameters"] > 1000
    assert told["loss"] > 0
    assert told["met"] is None
    assert all(Path(file).is_file() for file in told["files"])
    assert told["versions"]["torch"]
    series = [_series.Trained(("width=8",), recipe, outcome)]
    check("train-series", _series.document(series))
    check("verify", {"met": True, "recipes": [Verification(recipe, [outcome], "cpu").to_json()]})
