"""A run is bound to the weights that it was built on and to the data that it learned from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from atlas_cli import api, data
from atlas_cli.engine.build import Options
from atlas_cli.engine.loading import load_system
from atlas_cli.engine.system import SampleRequest
from atlas_cli.engine.trainer import execute
from atlas_cli.errors import DataError
from atlas_cli.present.reporter import SilentReporter
from atlas_cli.recipe import recipes
from atlas_cli.runs.durable import write_json
from atlas_cli.runs.folder import RunFolder

FAST = ["train.precision=fp32", "train.threads=1"]


class Listener(SilentReporter):
    """Remembers what is said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)


@pytest.fixture
def options(tmp_path: Path) -> Options:
    return Options(out=tmp_path / "runs", device="cpu", ablate=False)


@pytest.fixture
def text(tmp_path: Path) -> Path:
    """A user's own text, which he may change."""
    path = tmp_path / "text.txt"
    path.write_text("the quick brown fox jumps over the lazy dog. " * 200, encoding="utf-8")
    return path


def adapter(tmp_path: Path, text: Path) -> recipes.Recipe:
    """LoRA on a GPT that has learned the user's text."""
    sizes = "data: {path: TEXT, context_len: 16}\ntrain: {steps: 2, batch_size: 2, threads: 1}\n"
    sizes = sizes.replace("TEXT", str(text))
    (tmp_path / "base.yaml").write_text(f"system: gpt\nbase: gpt/smoke\n{sizes}", encoding="utf-8")
    path = tmp_path / "adapter.yaml"
    path.write_text(f"system: lora\nbase: lora/smoke\nfrom: base.yaml\n{sizes}", encoding="utf-8")
    return recipes.resolve(path, FAST)


def trained(recipe: recipes.Recipe, options: Options) -> RunFolder:
    run = execute(recipe, options, SilentReporter()).run
    assert run is not None
    return run


def test_a_child_keeps_the_base_that_it_was_built_on(tmp_path: Path, text: Path, options: Options) -> None:
    old = trained(adapter(tmp_path, text), options)
    before = load_system(old, options, SilentReporter()).setting.parent
    text.write_text("pack my box with five dozen liquor jugs. " * 200, encoding="utf-8")
    new = trained(adapter(tmp_path, text), options)  # the same recipe; its base has learned another text
    bases = [run.bases["parent"] for run in (old, new)]  # type: ignore[index]
    assert old.info["hash"] == new.info["hash"]
    assert [base.run for base in bases] == ["gpt-base-1", "gpt-base-2"]
    assert bases[0].weights != bases[1].weights
    after = load_system(old, options, SilentReporter()).setting.parent
    assert before is not None
    assert after is not None
    for name, weights in before.state_dict().items():
        assert torch.equal(weights, after.state_dict()[name])


def test_another_base_is_refused_with_both_names(tmp_path: Path, text: Path, options: Options) -> None:
    child = trained(adapter(tmp_path, text), options)
    base = RunFolder(options.out / "gpt-base-1")
    text.write_text("pack my box with five dozen liquor jugs. " * 200, encoding="utf-8")
    trained(adapter(tmp_path, text), options)
    base.remove()
    RunFolder(options.out / "gpt-base-2").path.rename(base.path)
    with pytest.raises(
        DataError, match=r"lora-adapter-1 is built on .* gpt-base-1, and holds others now"
    ) as no:
        load_system(child, options, SilentReporter())
    assert no.value.code == 3
    assert "atlas train" in no.value.hint
    child.clear_result()
    with pytest.raises(DataError, match="holds others now"):
        execute(recipes.of_run(child.path), options, SilentReporter(), child)
    base.remove()
    with pytest.raises(DataError, match="there is no such run any more"):
        load_system(child, options, SilentReporter())


def test_a_base_is_known_by_its_weights_whatever_it_is_called(
    tmp_path: Path, text: Path, options: Options
) -> None:
    child = trained(adapter(tmp_path, text), options)
    (options.out / "gpt-base-1").rename(options.out / "mine")
    assert load_system(child, options, SilentReporter()).setting.parent is not None


def test_a_run_does_not_go_on_with_other_data(tmp_path: Path, text: Path, options: Options) -> None:
    run = trained(adapter(tmp_path, text).parents["parent"], options)
    run.clear_result()
    text.write_text("pack my box with five dozen liquor jugs. " * 200, encoding="utf-8")
    with pytest.raises(DataError, match=f"the data of {run.name} have changed"):
        execute(recipes.of_run(run.path), options, SilentReporter(), run)
    listener = Listener()
    system = load_system(run, options, listener)  # its weights may still be looked at
    system.sample(SampleRequest(1, prompt="a"))
    assert listener.lines == []  # nothing was asked of the data
    assert system.evaluate()
    assert listener.lines == [f"the data of {run.name} are not what they were when it was trained"]


@pytest.mark.parametrize("name", ["ddpm/smoke", "gan/smoke", "gpt/smoke"])
def test_data_are_not_opened_for_samples_that_need_none(
    name: str, options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = trained(recipes.resolve(name, [*FAST, "train.steps=1", "train.batch_size=2"]), options)
    before = load_system(run, options, SilentReporter()).setting.data

    def closed(*_: object, **__: object) -> None:
        raise DataError("the data are not there", "put them back")

    with monkeypatch.context() as patch:
        patch.setattr(data, "load", closed)
        system = load_system(run, options, SilentReporter())
        assert api.draw(system, SampleRequest(2)).describe()
        with pytest.raises(DataError, match="the data are not there"):
            system.evaluate()
    listener = Listener()
    assert type(load_system(run, options, listener).setting.data) is type(before)
    assert listener.lines == []  # the very data of then


def test_a_run_of_before_still_loads_with_one_line_of_warning(
    tmp_path: Path, text: Path, options: Options
) -> None:
    run = trained(adapter(tmp_path, text), options)
    info = json.loads((run.path / "run.json").read_text(encoding="utf-8"))
    bases = info.pop("bases")
    del info["data"]
    write_json(run.path / "run.json", {**info, "parent": bases["parent"]["run"]})
    listener = Listener()
    assert load_system(RunFolder(run.path), options, listener).setting.parent is not None
    assert listener.lines == ["lora-adapter-1 does not say which weights it builds on; gpt-base-1 is assumed"]
    RunFolder(options.out / "gpt-base-1").remove()
    with pytest.raises(DataError, match="builds on the run gpt-base-1, which is not there"):
        load_system(RunFolder(run.path), options, SilentReporter())
