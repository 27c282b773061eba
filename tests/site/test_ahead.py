"""Frames that are packed by several processes before the pages ask for them."""

from __future__ import annotations

import pytest

from atlas_cli.diagrams.frames import Explorable
from atlas_cli.diagrams.web.frames import is_packed, pack
from atlas_cli.site import ahead


def test_none_that_measures_by_a_clock_is_packed_ahead() -> None:
    names = {shown.name for shown in ahead.wanted()}
    assert "crossing" not in names
    assert {"rope", "sampler", "spectral-norm"} <= names


def test_what_other_processes_packed_the_page_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    few = [shown for shown in ahead.wanted() if shown.name in ("min-max", "beta")]
    monkeypatch.setattr(ahead, "wanted", lambda: few)
    monkeypatch.setattr(ahead, "WORTH_IT", 1)
    monkeypatch.setattr(ahead, "cores", lambda: 2)
    assert not any(map(is_packed, few))
    ahead.pack_all()
    assert all(map(is_packed, few))
    by_them = [pack(shown) for shown in few]

    def forbidden(*_: object) -> None:
        raise AssertionError("it was packed before")

    monkeypatch.setattr(Explorable, "frame", forbidden)
    assert [pack(shown) for shown in few] == by_them
    monkeypatch.setattr(ahead, "ProcessPoolExecutor", forbidden)
    ahead.pack_all()  # nothing is missing


def test_on_one_core_the_pages_pack_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "cores", lambda: 1)
    monkeypatch.setattr(ahead, "ProcessPoolExecutor", None)
    ahead.pack_all()
