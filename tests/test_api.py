"""The entry from Python: what it returns is what the commands do, and shows itself in a notebook."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from atlas_cli import api, catalog
from atlas_cli.config import SystemConfig
from atlas_cli.engine.answerable import require_answerable
from atlas_cli.engine.system import Extra, SampleRequest, Setting, System
from atlas_cli.errors import UsageError
from atlas_cli.learner import progress
from atlas_cli.pages import source
from atlas_cli.pages.export import as_markdown
from atlas_cli.present.artifacts.images import Images
from atlas_cli.present.reporter import SilentReporter
from atlas_cli.recipe.recipes import TrainConfig

TINY = {"train.steps": 2, "train.precision": "fp32", "train.threads": 1, "train.batch_size": 4}


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> api.Result:
    out = tmp_path_factory.mktemp("runs")
    return api.train("ddpm/smoke", TINY, out=out, device="cpu", report=SilentReporter())


def test_training_returns_what_the_run_holds(result: api.Result) -> None:
    assert result.path.name == "ddpm-smoke-1"
    assert (result.path / "result.json").is_file()
    assert result.recipe.train.steps == 2
    assert isinstance(result.picture, Images)
    assert "<img" in result._repr_html_()
    assert repr(result) == f"<ddpm/smoke, not judged: {result.path}>"


def test_a_run_is_sampled_by_result_by_name_and_by_system(result: api.Result) -> None:
    out = result.path.parent
    drawn = [
        api.sample(result, 3, seed=5, label=2, out=out, device="cpu"),
        api.sample("ddpm", 3, seed=5, label=2, out=out, device="cpu"),
        api.sample(api.load(result, out=out, device="cpu"), 3, seed=5, label=2),
    ]
    first = drawn[0]
    assert isinstance(first, Images)
    assert first.images.shape[0] == 3
    assert all((first.images == other.images).all() for other in drawn[1:] if isinstance(other, Images))
    assert first._repr_png_()[:4] == b"\x89PNG"


@pytest.mark.parametrize(
    ("asked", "what"),
    [
        ({"prompt": "a ring"}, "DDPM follows no prompt"), ({"label": 99}, "there is no class 99"),
        ({"cuont": 3}, "DDPM takes no cuont"), ({"count": 0}, "0 samples are none"),
    ],
)  # fmt: skip
def test_what_would_change_nothing_is_refused(result: api.Result, asked: dict[str, Any], what: str) -> None:
    with pytest.raises(UsageError, match=what):
        api.sample(result, out=result.path.parent, device="cpu", **asked)


def test_an_option_of_a_systems_own_is_known_by_its_name() -> None:
    class Leaf(System):
        extras = (Extra("gusts", int, "how long the ribbons are"),)

    request = SampleRequest(1, extras={"gust": 3})
    with pytest.raises(UsageError, match="Leaf takes no gust") as refused:
        require_answerable(Leaf(SystemConfig()), "Leaf", request)
    assert refused.value.hint == "did you mean gusts?"
    require_answerable(Leaf(SystemConfig()), "Leaf", SampleRequest(1, extras={"gusts": 3}))


def test_a_resolved_recipe_takes_no_changes(tmp_path: Path) -> None:
    for given in ({"changes": {"train.steps": 1}}, {"data": "digits"}):
        with pytest.raises(UsageError, match="ddpm/smoke is resolved already"):
            api.train(api.recipe("ddpm/smoke", TINY), out=tmp_path, **given)  # type: ignore[arg-type]


def test_changes_are_values_as_python_has_them() -> None:
    recipe = api.recipe("ddpm/smoke", {"multipliers": [1, 2], "train.lr": 1e-4, "clip": False})
    assert (recipe.model["multipliers"], recipe.train.lr, recipe.model["clip"]) == ((1, 2), 1e-4, False)
    with pytest.raises(UsageError) as refused:
        api.recipe("ddpm/smoke", {"widht": 3})
    assert "did you mean width" in refused.value.details[0]


def test_a_page_is_markdown_for_a_notebook_and_text_for_print() -> None:
    page = source.read_page(catalog.resolve("mamba"))
    assert api.explain("mamba")._repr_markdown_() == as_markdown(page)
    part = api.explain("mamba", section="How it works")
    assert "How it works" in str(part)
    assert "Try it" not in str(part)


def test_a_diagram_shows_itself_and_saves_as_its_name_says(tmp_path: Path) -> None:
    drawing = api.diagram("mamba", "discretisation", delta=0.5)
    assert drawing._repr_svg_().startswith("<svg")
    for ending, start in ((".svg", b"<svg"), (".png", b"\x89PNG"), (".html", b"<!doctype html>")):
        assert drawing.save(tmp_path / f"x{ending}").read_bytes().lower().startswith(start.lower())
    assert drawing.svg() != api.diagram("mamba", "discretisation", delta=1.0).svg()
    with pytest.raises(UsageError, match="no knob"):
        api.diagram("mamba", "discretisation", gamma=1)


def test_a_stepped_diagram_takes_its_step() -> None:
    assert api.diagram("mamba", step=2).svg() != api.diagram("mamba").svg()
    for wrong, words in (({"step": 99}, "steps, not 99"), ({"gate": 1}, "steps and no knobs")):
        with pytest.raises(UsageError, match=words) as refused:
            api.diagram("mamba", **wrong)  # type: ignore[arg-type]
        assert refused.value.hint.startswith("choose one: step=")  # as it is said in Python
    with pytest.raises(UsageError, match="knobs and no steps"):
        api.diagram("mamba", "discretisation", step=1)


def add_noise(self, data, noise, t):  # as a student might write it
    signal, sigma = self.levels(t)
    return signal * data + sigma * noise


def swapped(self, data, noise, t):
    signal, sigma = self.levels(t)
    return sigma * data + signal * noise


def misspelled(self, data, noise, t):
    return datum + noise


def unwritten(self, data, noise, t):
    raise NotImplementedError


def test_a_function_is_judged_where_it_stands() -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    told = api.check("ddpm/add_noise", add_noise)
    assert told.right
    assert str(told).endswith("Right.")
    assert torch.equal(torch.get_rng_state(), before)
    assert progress.load().has("coded", "ddpm", "add_noise")


def test_a_common_mistake_is_known_in_python_too() -> None:
    told = api.check("ddpm/add_noise", swapped)
    assert not told.right
    assert told.mistake is not None
    assert told.mistake.startswith("you gave the image √(1 - a)")
    assert "You gave the image" in told._repr_html_()
    assert "atlas exercise hint ddpm/add_noise" in str(told)
    assert not progress.load().has("coded", "ddpm")


def test_an_error_of_a_function_names_its_line() -> None:
    told = api.check("ddpm/add_noise", misspelled)
    assert told.fault is not None
    assert told.fault["text"].startswith("return datum + noise")
    assert told.fault["says"] == "NameError: name 'datum' is not defined"


def test_what_is_not_written_yet_is_no_mistake() -> None:
    told = api.check("ddpm/add_noise", unwritten)
    assert (told.right, told.empty) == (False, True)
    assert "Nothing is written yet" in str(told)


def test_only_functions_are_judged() -> None:
    with pytest.raises(UsageError, match="a function is judged, not int") as refused:
        api.check("ddpm/add_noise", 3)  # type: ignore[arg-type]
    assert "api.check('ddpm/add_noise', add_noise)" in refused.value.hint


def test_importing_it_imports_neither_torch_nor_pydantic() -> None:
    code = (
        "import sys; from atlas_cli import api; assert not {'torch', 'pydantic', 'rich'} & sys.modules.keys()"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


def test_a_second_prompt_is_refused_by_who_follows_one() -> None:
    class One(System):
        steers = frozenset({"prompt"})

    class Several(One):
        compares = True

    two = SampleRequest(1, prompt="a", further=("b",))
    with pytest.raises(UsageError, match="one follows one prompt, not 2") as refused:
        require_answerable(One(SystemConfig()), "one", two)
    assert refused.value.hint == "give --prompt once"
    require_answerable(One(SystemConfig()), "one", SampleRequest(1, prompt="a"))
    require_answerable(Several(SystemConfig()), "several", two)
    assert (two.prompts, SampleRequest(1).prompts) == (("a", "b"), ())


@pytest.mark.parametrize(
    ("given", "heard"), [(None, ()), ([], ()), ("a b", ("a b",)), (["a", "b"], ("a", "b"))]
)
def test_prompts_come_one_or_several_or_not_at_all(given: Any, heard: tuple[str, ...]) -> None:
    class Hears(System):
        steers, compares = frozenset({"prompt"}), True

        def sample(self, request: SampleRequest) -> Any:
            return request.prompts

    system = Hears(SystemConfig()).attach(Setting(None, TrainConfig(steps=1, lr=1.0)))
    assert api.sample(system, 1, prompt=given) == heard
