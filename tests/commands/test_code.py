"""`atlas code`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer

import atlas_cli
from atlas_cli.commands.code import code
from atlas_cli.errors import UsageError

DDPM = Path(atlas_cli.__file__).parent / "systems" / "diffusion" / "ddpm.py"


@pytest.fixture
def atlas(capsys: pytest.CaptureFixture[str]):
    """Runs `atlas code ARGUMENTS` and returns stdout."""
    app = typer.Typer()
    app.command()(code)

    def run(*arguments: str) -> str:
        typer.main.get_command(app).main(args=[*arguments], prog_name="code", standalone_mode=False)
        return capsys.readouterr().out

    return run


def test_raw_is_the_file_itself(atlas):
    assert atlas("ddpm", "--raw") == DDPM.read_text(encoding="utf-8")


def test_a_node_is_the_function_that_it_stands_for_with_path_and_line_numbers(atlas):
    lines = atlas("ddpm", "mix").splitlines()
    path, number = lines[0].rsplit(":", 1)
    assert path.endswith("ddpm.py")
    assert lines[1].split() == [number, "def", "add_noise("]


@pytest.mark.parametrize("name", ["mix", "add noise", "add_noise", "add-noise", "DDPM.add_noise"])
def test_node_label_function_and_method_lead_to_it(atlas, name: str):
    assert atlas("ddpm", name, "--raw").lstrip().startswith("def add_noise(")


def test_json(atlas):
    document = json.loads(atlas("ddpm", "mix", "--json"))
    lines = DDPM.read_text(encoding="utf-8").splitlines()
    assert lines[document["first_line"] - 1].strip() == "def add_noise("
    assert document["text"].splitlines() == lines[document["first_line"] - 1 : document["last_line"]]
    assert document["path"] == str(DDPM)


def test_a_wrong_node_names_those_there_are(atlas):
    with pytest.raises(UsageError, match=r"nodes: .*mix") as caught:
        atlas("ddpm", "mixx")
    assert caught.value.hint == "did you mean: atlas code ddpm mix"
    with pytest.raises(UsageError) as caught:
        atlas("ddpm", "qqqq")
    assert caught.value.hint == "atlas code ddpm"


def test_a_family_or_an_unwritten_system_is_refused(atlas):
    with pytest.raises(UsageError, match="diffusion is a family"):
        atlas("diffusion")
    with pytest.raises(UsageError, match="not written yet"):
        atlas("dreamer")
