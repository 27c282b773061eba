"""Frames on disk."""

from __future__ import annotations

import pytest

from atlas_cli import paths
from atlas_cli.diagrams import frame_cache
from atlas_cli.diagrams.frames import Explorable, Frame, Knob, Words
from tests.diagrams.panels import PANELS

calls: list[int] = []


def compute(a: int) -> Frame:
    calls.append(a)
    return Frame((PANELS, (Words("w", (str(a),)),)), "look", {"a": a, "half": a / 2})


SHOWN = Explorable("e", "ssm", (), "", "", (Knob("a", "A", (1, 2, 3), 1, "slider"),), compute)


@pytest.fixture(autouse=True)
def _forget():
    calls.clear()


def test_a_frame_is_computed_once_and_comes_back_equal():
    first = frame_cache.frame_of(SHOWN, {"a": 2})
    assert frame_cache.frame_of(SHOWN, {"a": 2}) == first == compute(2)
    assert calls == [2, 2]  # the second is this test's own


def test_each_setting_has_its_own_and_defaults_are_filled_in():
    assert frame_cache.frame_of(SHOWN, {}) == frame_cache.frame_of(SHOWN, {"a": 1})
    assert frame_cache.frame_of(SHOWN, {"a": 3}).facts["a"] == 3
    assert calls == [1, 3]


def test_other_code_computes_anew(monkeypatch: pytest.MonkeyPatch):
    frame_cache.frame_of(SHOWN, {})
    monkeypatch.setattr(frame_cache, "_code_hash", lambda: "other code")
    frame_cache.frame_of(SHOWN, {})
    assert calls == [1, 1]


def test_a_torn_file_is_replaced():
    frame = frame_cache.frame_of(SHOWN, {})
    (file,) = (paths.cache_dir() / "frames").iterdir()
    file.write_text('{"panels": [[{"kind"', encoding="utf-8")
    assert frame_cache.frame_of(SHOWN, {}) == frame
    assert frame_cache.frame_of(SHOWN, {}) == frame
    assert calls == [1, 1]


def test_a_cache_that_cannot_be_written_costs_only_time(monkeypatch: pytest.MonkeyPatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ATLAS_HOME", str(tmp_path / "file"))
    assert frame_cache.frame_of(SHOWN, {}) == compute(1)
