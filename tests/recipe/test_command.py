"""`atlas recipe`: what it prints where, what it writes, and that it stays quick and free of torch."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer

from atlas_cli.commands import recipe as command
from atlas_cli.errors import EnvironmentFault, UsageError
from atlas_cli.recipe import recipes
from atlas_cli.screen import terminal
from tests.recipe.house import BUILT, SMALL, House

ATLAS = [sys.executable, "-m", "atlas_cli", "recipe"]


@pytest.fixture
def atlas(house: House, capsys: pytest.CaptureFixture[str]):
    """Runs `atlas recipe ARGUMENTS`; returns (exit code, stdout, stderr)."""

    def run(*arguments: object) -> tuple[int, str, str]:
        group = typer.main.get_command(command.app)
        code = group.main(args=[str(a) for a in arguments], prog_name="recipe", standalone_mode=False)
        return (code or 0, *capsys.readouterr())

    return run


def test_ls_lists_every_recipe_from_quick_to_slow(atlas, house: House):
    (house.recipes / "blob" / "full.yaml").write_text("base: small\nabout: Large.\n", encoding="utf-8")
    code, out, err = atlas("ls")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == [
        "recipe",
        "blob/smoke",
        "blob/small",
        "blob/full",
    ]
    assert "Dots in a second." in out
    assert err == "next  atlas recipe show blob/small\n"


@pytest.mark.parametrize(("width", "gone"), [(140, ""), (80, "data"), (50, "steps")])
def test_a_narrow_terminal_has_fewer_columns_and_whole_sentences(
    atlas, house: House, monkeypatch: pytest.MonkeyPatch, width: int, gone: str
):
    (house.recipes / "blob" / "of-a-long-name.yaml").write_text(
        "base: small\nfrom: blob/small\nabout: Larger than all the others of this list.\n"
        "data: {name: a-long-source-of-data}\n",
        encoding="utf-8",
    )
    monkeypatch.setattr(terminal.out, "_width", width)
    lines = atlas("ls")[1].splitlines()
    assert max(map(len, lines)) <= width
    titles = lines[0].split()
    assert gone not in titles
    assert ("data" in titles) == (width == 140)
    assert len(lines) - lines.index(next(line for line in lines if "of-a-long-name" in line)) <= 3


def test_ls_as_json(atlas):
    _, out, _ = atlas("ls", "blob", "--json")
    small = json.loads(out)["recipes"][1]
    assert small == {
        "name": "blob/small", "about": "Dots in a second.", "data": "dots", "steps": 100, "seconds": 3,
        "builds_on": {}, "expect": ["score", "score_ratio"],
    }  # fmt: skip


def test_ls_of_a_topic_without_recipes_says_so(atlas):
    with pytest.raises(UsageError, match="cloud has no recipes yet"):
        atlas("ls", "cloud")


def test_show_prints_a_recipe_that_reads_back(atlas, house: House):
    _, out, err = atlas("show", "blob", "--set", "train.lr=1e-3", "--data", "many_dots")
    shown = recipes.resolve(str(house.write(out)))
    assert shown == recipes.resolve("blob", ["train.lr=1e-3"], "many_dots")
    assert err == "next  atlas train blob\n"
    assert "\x1b" not in out


def test_show_as_json_holds_the_hash(atlas):
    _, out, _ = atlas("show", "blob/small", "--json")
    shown = json.loads(out)
    assert shown["hash"] == recipes.resolve("blob").hash
    assert shown["model"]["layers"] == [2, 3]


def test_validate_names_each_valid_file(atlas, house: House):
    own = house.change("blob", "blob", "a.yaml")
    code, out, _ = atlas("validate", own.name, "blob/smoke")
    assert (code, out) == (0, "a.yaml: valid\nblob/smoke: valid\n")


def test_validate_reports_the_errors_of_all_files(atlas, house: House, capsys: pytest.CaptureFixture[str]):
    house.change("width: 32", "widht: 32", "a.yaml")
    house.change("blob", "blob", "b.yaml")
    house.change("steps: 100", "steps: 0", "c.yaml")
    with pytest.raises(UsageError, match="3 of 4 recipes are not valid") as caught:
        atlas("validate", "a.yaml", "b.yaml", "c.yaml", "d.yaml")
    assert caught.value.details == [
        "a.yaml:5:9: model.widht: unknown field; did you mean width?",
        "c.yaml:6:16: train.steps: must be greater than 0 where no `from` names a trained run",
        "d.yaml: there is no such file",
    ]
    assert capsys.readouterr().out == "b.yaml: valid\n"


def test_validate_as_json_prints_one_document_and_exits_2(atlas, house: House):
    house.change("width: 32", "widht: 32", "a.yaml")
    code, out, _ = atlas("validate", "a.yaml", "blob", "--json")
    assert code == 2
    verdict = json.loads(out)
    assert [(r["file"], r["valid"], len(r["errors"])) for r in verdict["recipes"]] == [
        ("a.yaml", False, 1),
        ("blob", True, 0),
    ]
    assert verdict["valid"] is False


def test_cp_copies_the_text_and_names_the_next_command(atlas, house: House):
    code, out, err = atlas("cp", "blob/small", "mine.yaml")
    assert (code, out) == (0, "")
    assert (house.own / "mine.yaml").read_text(encoding="utf-8") == SMALL
    assert err == "next  edit mine.yaml, then: atlas recipe validate mine.yaml && atlas train mine.yaml\n"


def test_cp_keeps_what_the_recipe_builds_on_within_reach(atlas, house: House):
    atlas("cp", "blob/smoke", "mine.yaml")
    assert (house.own / "mine.yaml").read_text(encoding="utf-8").startswith("base: blob/small\n")
    (house.own / "sub").mkdir()
    atlas("cp", "mine.yaml", "sub/again.yaml")
    house.write(BUILT, "heir.yaml")
    house.write("base: heir.yaml  # near\nfrom: mine.yaml\n", "near.yaml")
    atlas("cp", "near.yaml", "sub/far.yaml")
    resolved = recipes.resolve("sub/far.yaml")
    assert recipes.resolve("blob/smoke").train == recipes.resolve("sub/again.yaml").train
    assert resolved.origins == {"parent": str(house.own / "mine.yaml")}


def test_cp_keeps_parents_with_roles_within_reach(atlas, house: House):
    (house.own / "sub").mkdir()
    house.write(SMALL, "mine.yaml")
    text = "from:  # two\n  left: mine.yaml width=16\n  right: heir/small\n"
    house.write(text, "two.yaml")
    atlas("cp", "two.yaml", "sub/far.yaml")
    moved = text.replace("mine.yaml", str(house.own / "mine.yaml"))
    assert (house.own / "sub/far.yaml").read_text(encoding="utf-8") == moved


def test_cp_overwrites_only_when_told(atlas, house: House):
    house.write("mine", "mine.yaml")
    with pytest.raises(UsageError, match=r"mine\.yaml exists already"):
        atlas("cp", "blob", "mine.yaml")
    assert (house.own / "mine.yaml").read_text(encoding="utf-8") == "mine"
    atlas("cp", "blob", "mine.yaml", "--force")
    assert (house.own / "mine.yaml").read_text(encoding="utf-8") == SMALL


@pytest.mark.parametrize(
    ("file", "fault", "what"),
    [
        ("mine", UsageError, "mine does not end in .yaml"),
        ("d.yaml", UsageError, "d.yaml is a folder"),
        ("none/mine.yaml", EnvironmentFault, "there is no folder none"),
    ],
)
def test_cp_refuses_a_file_that_cannot_be_a_recipe(atlas, house: House, file: str, fault: type, what: str):
    (house.own / "d.yaml").mkdir()
    with pytest.raises(fault) as caught:
        atlas("cp", "blob", file, "--force")
    assert caught.value.what == what


def test_cp_of_a_recipe_onto_itself_leaves_it_whole(atlas, house: House):
    house.change("blob", "blob", "mine.yaml")
    with pytest.raises(UsageError, match="the recipe itself"):
        atlas("cp", "mine.yaml", "mine.yaml", "--force")
    assert (house.own / "mine.yaml").read_text(encoding="utf-8") == SMALL


def test_schema_is_one_json_document(atlas):
    assert json.loads(atlas("schema", "blob")[1]) == recipes.schema("blob")
    everything = json.loads(atlas("schema")[1])
    assert everything["properties"]["model"]["type"] == "object"
    assert {"dots", "waves", "strokes"} <= {
        source["properties"]["name"]["const"] for source in everything["properties"]["data"]["oneOf"]
    }


# --- the whole command, on what ships --------------------------------------------------------------------


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    """A recipe file with an unknown field, a number that is text, and a tag that would run code."""
    path = tmp_path / "bad.yaml"
    path.write_text(
        "system: ddpm\ndata: {name: strokes}\nmodel: {widht: 32}\ntrain: {steps: 10, lr: 1e-3}\n"
        f"about: !!python/object/apply:os.mkdir ['{tmp_path / 'executed'}']\n",
        encoding="utf-8",
    )
    return path


def test_a_bad_recipe_exits_2_with_all_errors_on_stderr_and_runs_nothing(bad: Path, tmp_path: Path):
    done = subprocess.run(
        [*ATLAS, "validate", str(bad)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    text = " ".join(done.stderr.split())
    assert "3:9: model.widht: unknown field; did you mean width?" in text
    assert "4:24: train.lr: must be a number, and '1e-3' is text to YAML; write 1.0e-3" in text
    assert "5:8: about: the tag !!python/object/apply:os.mkdir" in text
    assert not (tmp_path / "executed").exists()


def test_a_bad_recipe_is_one_json_document_on_stdout(bad: Path):
    run = [*ATLAS, "show", str(bad), "--json"]
    done = subprocess.run(run, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert len(json.loads(done.stdout)["details"]) == 3


def _seconds(code: str) -> float:
    """What the code takes in a fresh interpreter, the best of four."""
    seconds = []
    for _ in range(4):
        start = time.perf_counter()
        run = [sys.executable, "-c", code]
        done = subprocess.run(run, capture_output=True, text=True, timeout=60, check=False)
        seconds.append(time.perf_counter() - start)
        assert done.returncode == 0, done.stderr
    return min(seconds)


def test_checking_a_recipe_is_quick_and_imports_no_torch():
    # A ratio, for machines differ; an import of torch fails at once, one of numpy or textual costs the ratio.
    libraries = _seconds("import typer, rich.console, yaml; from pydantic import BaseModel")
    check = "from atlas_cli.app import main; main(['recipe', 'validate', 'ddpm'])"
    assert _seconds(f"import sys; sys.modules['torch'] = None; {check}") < 3 * libraries
