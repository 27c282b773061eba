"""Diagrams of a trained run: which run, told apart by its weights, and read when a frame needs it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from atlas_cli.diagrams import deliver, frame_cache, gallery
from atlas_cli.diagrams.frames import Explorable, Frame, Knob, Words
from atlas_cli.diagrams.of_runs import fingerprint, of_run
from atlas_cli.diagrams.web import page as web_page
from atlas_cli.engine.build import Options
from atlas_cli.engine.trainer import execute
from atlas_cli.errors import UsageError
from atlas_cli.present.reporter import SilentReporter
from atlas_cli.recipe import recipes
from atlas_cli.runs.folder import RunFolder

KNOB = Knob("a", "A", (1, 2), 1, "slider")


def drawn(system: object, a: int) -> Frame:
    return Frame(((Words("w", (f"{a} {system}",)),),), "Look?", {})


NEEDS = Explorable(
    "e", "diffusion", ("ddpm",), "E", "Why?", (KNOB,), None, from_run=drawn, systems=("ddpm", "cfg")
)
CAN = replace(NEEDS, compute=lambda a: drawn("exact", a))
CANNOT = replace(CAN, from_run=None)


def begun(root: Path, topic: str, weights: str | None = "abc") -> RunFolder:
    """A run, with a checkpoint where it has weights."""
    root.mkdir(exist_ok=True)
    run = RunFolder.create(root, f"{topic}/smoke")
    run.write_recipe(f"system: {topic}\n")
    if weights is not None:
        (run.checkpoints / "step-00000010").mkdir()
        (run.checkpoints / "step-00000010" / "manifest.json").write_text(weights)
    return run


def test_the_latest_is_the_newest_that_fits_and_has_weights(tmp_path: Path):
    wanted = begun(tmp_path, "ddpm")
    begun(tmp_path, "gan")
    begun(tmp_path, "ddpm", weights=None)
    for reference in (None, "latest", wanted.name, str(wanted.path)):
        shown = of_run(NEEDS, reference, tmp_path)
        assert (shown.run, shown.title) == (wanted.name, f"E · {wanted.name}")
        assert not shown.needs_run
    assert of_run(NEEDS, "cfg" if begun(tmp_path, "cfg") else None, tmp_path).run == "cfg-smoke-1"


def test_what_can_do_without_a_run_takes_one_only_when_asked(tmp_path: Path):
    begun(tmp_path, "ddpm")
    assert of_run(CAN, None, tmp_path) is CAN
    assert of_run(CAN, "latest", tmp_path).run == "ddpm-smoke-1"
    assert of_run(CANNOT, None, tmp_path) is CANNOT


def test_wrong_runs_are_refused(tmp_path: Path):
    with pytest.raises(UsageError, match="of ddpm or cfg, and there is none in") as caught:
        of_run(NEEDS, None, tmp_path)
    assert caught.value.hint == "atlas train ddpm --recipe smoke"
    begun(tmp_path, "gan")
    with pytest.raises(UsageError, match="a run of ddpm or cfg, and gan-smoke-1 is one of gan"):
        of_run(NEEDS, "gan-smoke-1", tmp_path)
    with pytest.raises(UsageError, match="e is computed without a trained run"):
        of_run(CANNOT, "latest", tmp_path)
    with pytest.raises(UsageError, match="e is drawn from a trained run of ddpm or cfg"):
        NEEDS.frame()


def test_other_weights_are_another_fingerprint(tmp_path: Path):
    run = begun(tmp_path, "ddpm")
    first = fingerprint(run)
    assert fingerprint(begun(tmp_path, "ddpm")) == first  # the same recipe and weights
    (run.checkpoints / "step-00000010" / "manifest.json").write_text("others")
    assert fingerprint(run) != first
    later = run.checkpoints / "step-00000020"
    later.mkdir()
    (later / "manifest.json").write_text("abc")
    assert fingerprint(run) == first  # the newest counts


def test_frames_are_kept_by_fingerprint():
    one, other = (replace(CAN, compute=lambda a, n=n: drawn(n, a), fingerprint=n) for n in ("x", "y"))
    assert frame_cache.frame_of(one, {}) == drawn("x", 1)
    assert frame_cache.frame_of(other, {}) == drawn("y", 1)
    assert frame_cache.frame_of(replace(one, compute=None), {}) == drawn("x", 1)


def test_what_needs_a_run_stands_apart_and_is_found_by_name():
    for family in ("diffusion",):
        apart = gallery.of_runs(gallery.catalog.resolve_family(family))
        assert all(shown.needs_run and shown.from_run and shown.systems for shown in apart)
        assert not {shown.name for shown in apart} & {
            shown.name for shown in gallery.diagrams_of(gallery.catalog.resolve_family(family))
        }
        for shown in apart:
            assert gallery.anywhere(shown.name) is shown


def test_a_real_run_is_drawn_in_every_format_and_from_the_cache_without_its_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    recipe = recipes.resolve("ddpm/smoke", ["train.steps=2", "train.threads=1", "train.precision=fp32"])
    trained = execute(recipe, Options(out=tmp_path / "runs", device="cpu"), SilentReporter()).run
    shown = of_run(gallery.anywhere("noise-path"), "latest", tmp_path / "runs")
    assert shown.run == trained.name
    document = json.loads(deliver.document(shown, "json", ("done=100",), None, ""))
    assert document["run"] == trained.name
    assert document["frame"]["facts"]["distance of x_t"] == 0
    page = web_page.page(shown)
    assert f"atlas diagram ddpm noise-path --run {trained.name}" in page
    monkeypatch.setattr("atlas_cli.engine.loading.load_system", None)  # nothing is read a second time
    again = of_run(gallery.anywhere("noise-path"), trained.name, tmp_path / "runs")
    assert web_page.page(again) == page
    assert json.loads(deliver.document(again, "json", ("done=100",), None, "")) == document
    for format, begins in (("svg", "<svg"), ("text", "A net"), ("png", b"\x89PNG")):
        assert deliver.document(again, format, ("done=100",), None, "").startswith(begins)
