"""What explorables show first is shipped: equal to what they compute, passed over once their code changes."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path

import pytest

from atlas_cli import catalog, paths
from atlas_cli.diagrams import frame_cache, gallery, shipped
from atlas_cli.diagrams.frames import Explorable

EVERY = [shown for family in catalog.families() for shown in gallery.explorables_of(family)]
READ_AT_ONCE = [shown for shown in EVERY if not (shown.heavy or shown.packed)]


def assert_close(one, other, where):
    """Numbers to the last of their four digits, which another processor may round to its neighbour."""
    if isinstance(one, float) or isinstance(other, float):
        assert math.isclose(one, other, rel_tol=2e-3, abs_tol=2e-3), where
    elif isinstance(one, dict):
        assert one.keys() == other.keys(), where
        for key in one:
            assert_close(one[key], other[key], f"{where}.{key}")
    elif isinstance(one, list | tuple):
        assert len(one) == len(other), where
        for i, (a, b) in enumerate(zip(one, other, strict=True)):
            assert_close(a, b, f"{where}[{i}]")
    else:
        assert one == other, where


@pytest.mark.parametrize("shown", READ_AT_ONCE, ids=lambda shown: shown.name)
def test_what_is_shipped_is_what_is_computed(shown: Explorable):
    ready = shipped.frame(shown, shown.defaults)
    assert ready is not None, f"{shown.name}: what it is computed with has changed: make frames"
    computed = shown.frame(shown.defaults).as_dict()
    assert_close(ready, json.loads(json.dumps(computed)), shown.name)


def test_nothing_else_is_shipped():
    folder = shipped.path(EVERY[0]).parents[1]
    assert {*folder.rglob("*.json")} == {shipped.path(shown) for shown in READ_AT_ONCE}


def test_only_the_first_setting_is_shipped_and_that_of_no_run():
    shown = next(shown for shown in READ_AT_ONCE if len(shown.knobs[0].values) > 1)
    knob = shown.knobs[0]
    other = next(value for value in knob.values if value != knob.default)
    assert shipped.frame(shown, {**shown.defaults, knob.name: other}) is None
    assert shipped.frame(dataclasses.replace(shown, fingerprint="weights"), shown.defaults) is None


def test_it_knows_every_source_at_any_remove():
    found = {file.name for file in shipped.sources(shipped.path(named("rope")).with_suffix(".py"))}
    assert {"rope.py"} <= found
    deep = shipped.sources(shipped.path(named("sampler")).with_suffix(".py"))
    assert any(file.name == "ddpm.py" for file in deep)  # by way of a helper or of ddim.py


def named(name: str) -> Explorable:
    return next(shown for shown in EVERY if shown.name == name)


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shipped frame of rope and the sources of it, in a folder where they may be changed."""
    shown = named("rope")
    package = tmp_path / "atlas_cli"
    for name in json.loads(shipped.path(shown).read_text())["made_from"]:
        target = package / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((shipped._PACKAGE / name).read_bytes())
    there = package / shipped.path(shown).relative_to(shipped._PACKAGE)
    there.write_bytes(shipped.path(shown).read_bytes())
    monkeypatch.setattr(shipped, "_PACKAGE", package)
    return there


def test_a_changed_line_of_its_code_passes_it_over(copied: Path):
    shown = named("rope")
    assert shipped.frame(shown, shown.defaults) is not None
    source = copied.parents[2] / "nets" / "rope.py"
    source.write_text(source.read_text().replace("base ** (-", "base ** (+"))
    assert shipped.frame(shown, shown.defaults) is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"made_from": 3}', '{"made_from": {"nope.py": "x"}}'])
def test_a_damaged_file_is_passed_over(copied: Path, text: str):
    copied.write_text(text)
    assert shipped.frame(named("rope"), named("rope").defaults) is None


def test_a_page_that_was_never_read_finds_it_without_a_cache():
    shown = named("rope")
    frame_cache.frame_of(shown, {})
    assert not (paths.cache_dir() / "frames").exists()
