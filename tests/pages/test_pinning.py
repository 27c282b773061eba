"""Pinning a run: only one that is what its recipe says today, and whole."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from atlas_cli.diagrams import gallery, networks, pinned, staleness
from atlas_cli.engine.build import Options
from atlas_cli.engine.trainer import execute
from atlas_cli.errors import UsageError
from atlas_cli.pages import pinning
from atlas_cli.present.reporter import SilentReporter
from atlas_cli.recipe import recipes
from atlas_cli.runs.folder import RunFolder


def trained(out: Path, *changes: str) -> RunFolder:
    options = Options(out=out, device="cpu", weights_only=True)
    run = execute(recipes.resolve("gpt/smoke", changes), options, SilentReporter()).run
    assert run is not None
    return run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return trained(tmp_path_factory.mktemp("runs"))


def test_a_pin_is_of_the_run_of_its_recipe_and_of_today(run: RunFolder):
    origin = pinning.origin_of(run)
    assert (origin.recipe, origin.seed) == ("gpt/smoke", 0)
    assert staleness.of_origin(origin) == []
    assert origin.date == str(run.info["started"])[:10]


def test_a_run_that_was_changed_is_no_run_of_its_recipe(tmp_path: Path):
    changed = trained(tmp_path, "train.lr=1.0e-3")
    with pytest.raises(UsageError, match="trained with another recipe than gpt/smoke is today"):
        pinning.origin_of(changed)
    (changed.path / "result.json").unlink()
    with pytest.raises(UsageError, match="is not finished"):
        pinning.origin_of(changed)


def test_frames_are_those_of_the_run_and_texts_go_where_all_is_too_much(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(pinning, "MOST_BYTES", 60_000)
    shown = gallery.anywhere("attention-heads")
    pin = pinned.Pin(**json.loads(pinning.pin(pinned.path(shown), run, run.path.parent)))
    assert len(pin.packed) <= 60_000
    assert pin.knobs["text"] in (["held-out 1"], ["held-out 1", "held-out 2"])  # there are three
    assert len(pin.knobs["asks"]) == 11  # and all of the rest
    whole = pinned.Packed(pin.packed)
    assert all(
        frame["caption"].endswith(f"gpt/smoke, seed 0, trained on {pin.origin['date']}.") for frame in whole
    )
    assert pin.drawn_by == pinned.drawing(shown.unpinned)


def test_a_network_says_what_eight_bits_cost(run: RunFolder):
    text = pinning.pin(networks.path("transformer", "gpt-small"), run, run.path.parent)
    figures = json.loads(text)["figures"]
    assert figures["bits_per_byte_8"] == pytest.approx(figures["bits_per_byte"], abs=0.02)


def test_only_what_a_run_draws_is_pinned():
    assert pinning._file_of("noise path").name == "noise-path.json"
    assert pinning._file_of("gpt-small").name == "gpt-small.network.json"
    for name in ("rope", "mamba-block", "nothing"):
        with pytest.raises(UsageError, match="no diagram of a run"):
            pinning._file_of(name)


def test_a_run_that_is_there_is_not_trained_again(run: RunFolder, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("atlas_cli.engine.trainer.execute", None)
    assert pinning._trained(recipes.resolve("gpt/smoke"), run.path.parent) == run
