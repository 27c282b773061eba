"""Worked examples: each fills boxes of its diagram, with what the layer itself computes, untrained here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from atlas_cli import paths
from atlas_cli.diagrams import blocks, worked
from atlas_cli.engine.build import Options, build
from atlas_cli.engine.system import System
from atlas_cli.errors import UsageError
from atlas_cli.present.reporter import SilentReporter
from atlas_cli.recipe import recipes
from atlas_cli.runs.folder import RunFolder
from atlas_cli.worked.example import Telling, amount, bars, over_points, quoted, signed
from atlas_cli.worked.write import as_trained, examples, write

EXAMPLES = examples()
SHIPPED = worked.files_of(paths.content_dir())
#: Recipes that build in a moment what the examples expect.
SMALL = {"latent-diffusion/small": "latent-diffusion/smoke", "controlnet/small": "controlnet/smoke"}


def untrained(recipe: str, tmp_path: Path) -> System:
    """A system as its training begins, its parents as well."""
    resolved = recipes.resolve(SMALL.get(recipe, recipe))
    options = Options(out=tmp_path, device="cpu")
    parents = {role: build(parent, options, SilentReporter()) for role, parent in resolved.parents.items()}
    return build(resolved, options, SilentReporter(), parents)


def told(name: str, tmp_path: Path) -> Telling:
    example = EXAMPLES[name]
    with torch.set_grad_enabled(example.fresh):
        return example.tell(untrained(example.recipe, tmp_path))


@pytest.mark.usefixtures("at_common_home")
@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_fills_its_diagram(name: str, tmp_path: Path):
    telling = told(name, tmp_path)
    family, _, diagram = name.partition("/")
    shown = blocks.load(paths.content_dir() / family / "diagrams" / f"{diagram}.yaml")
    assert telling.nodes.keys() <= shown.nodes.keys()
    for node, pictures in telling.nodes.items():
        first = [picture["from"] for picture in pictures]
        assert first == sorted(set(first)), node
        assert shown.step_of(node) == first[0], node  # it is filled when it is first spoken of
        for tile in (tile for picture in pictures for tile in picture["tiles"]):
            assert all(set(row) <= set(worked.DIGITS) for row in tile.get("rows", ()))
    assert telling.seen.keys() <= set(range(1, len(shown.steps) + 1))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_what_is_shipped_is_small_and_of_its_recipe(path: Path):
    diagram = path.name.removesuffix(worked.ENDING)
    name = f"{path.parent.parent.name}/{diagram}"
    assert path.stat().st_size < 16_000
    example = worked.read(path.with_name(f"{diagram}.yaml"))
    assert example is not None
    assert example.of["recipe"] == EXAMPLES[name].recipe
    assert example.says.startswith(f"In the boxes: the network of {EXAMPLES[name].recipe}, seed ")
    assert worked.drawn_by(path).is_file()


def test_what_a_run_builds_on_keeps_the_precision_that_it_said():
    recipe = recipes.resolve("latent-diffusion/small")
    said = {role: parent.train.precision for role, parent in recipe.parents.items()}
    assert said == {"tokenizer": "fp32", "pixels": "auto"}
    assert recipe.train.precision == "auto"
    ran = as_trained(recipe, "bf16")
    assert ran.train.precision == "bf16"
    assert {role: parent.train.precision for role, parent in ran.parents.items()} == {
        "tokenizer": "fp32", "pixels": "bf16"
    }  # fmt: skip


def test_a_run_of_another_recipe_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from atlas_cli.recipe.source import find

    run = RunFolder(tmp_path / "gpt-smoke-1")
    run.path.mkdir()
    (run.path / "recipe.yaml").write_bytes(find("gpt/smoke", "train").read_bytes())
    (run.path / "run.json").write_text('{"recipe": "gpt/smoke", "hash": "other"}', encoding="utf-8")
    monkeypatch.setattr("atlas_cli.engine.loading.recipe_of", lambda run: recipes.resolve("gpt/smoke"))
    with pytest.raises(UsageError, match="is no run of gpt/small as it is now"):
        write("transformer/decoder-block", EXAMPLES["transformer/decoder-block"], run, tmp_path)


def shares(tile: dict[str, Any]) -> list[list[float]]:
    return [[worked.DIGITS.index(digit) / worked.TOP for digit in row] for row in tile["rows"]]


def test_a_signed_tile_has_nought_in_its_middle_and_its_largest_at_an_end():
    found = shares(signed(torch.tensor([[0.0, 2.0, -4.0]])))
    assert found == [[0.5, 0.75, 0.0]]


def test_amounts_and_bars_are_shares_of_the_largest():
    assert shares(amount(torch.tensor([[0.0, 1.0, 2.0]]))) == [[0.0, 0.5, 1.0]]
    assert shares(amount(torch.tensor([[1.0]]), most=4.0))[0][0] == pytest.approx(0.25, abs=1 / worked.TOP)
    assert shares(bars(torch.tensor([3.0, 1.5]))) == [[1.0, 0.5]]


def test_points_outside_a_tile_are_left_out():
    tile = over_points(amount(torch.ones(2, 3)), {"a": [(1.24, 0.5), (3.1, 0.5), (1, -1)]})
    assert tile["clouds"] == {"a": [[1.2, 0.5]]}


def test_blanks_of_a_text_are_seen():
    assert quoted("a b\n") == "a·b↵"
