"""`atlas doctor`: the machine; with `--class` what a lab needs on it, and the command that makes the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from atlas_cli.commands import _classroom
from tests.commands.house import CommandLine, Said, without_recipes
from tests.commands.test_prepare import OWN, PARENT
from tests.commands.test_schema import check


@pytest.fixture
def roomy(monkeypatch: pytest.MonkeyPatch) -> None:
    """No machine that the tests run on lacks room."""
    monkeypatch.setattr(_classroom, "LEAST_DISK", 0)
    monkeypatch.setattr(_classroom, "LEAST_MEMORY", 0)


def findings(said: Said) -> dict[str, dict[str, Any]]:
    """By what they are about."""
    document = said.document
    check("doctor", document)
    assert document["ok"] == all(finding["ok"] for finding in document["findings"])
    return {finding["what"]: finding for finding in document["findings"]}


def test_without_the_flag_it_tells_of_the_machine_alone(atlas: CommandLine) -> None:
    told = findings(atlas("doctor", "--json"))
    assert [*told] == ["python", "torch", "devices", "precision", "terminal", "cache", "runs", "disk"]


@pytest.mark.parametrize("line", [["doctor", "diffusion"], ["doctor", "--check"]])
def test_names_and_check_go_with_class(atlas: CommandLine, line: list[str]) -> None:
    said = atlas(*line)
    assert said.code == 2
    assert f"atlas doctor --class{' diffusion' if 'diffusion' in line else ''}" in said.err


def test_what_a_class_lacks_is_told_until_it_is_prepared(
    atlas: CommandLine,
    roomy: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("atlas_cli.metrics.judge._train", lambda *_: None)
    monkeypatch.setattr("atlas_cli.diagrams.shipped.frame", lambda *_: None)
    without_recipes(monkeypatch, "stylegan")
    (tmp_path / "own.yaml").write_text(OWN)
    line = ("doctor", "--class", "own.yaml", PARENT, "stylegan")
    said = atlas(*line, "--json")
    told = findings(said)
    assert said.code == 0
    assert told["own.yaml"] == {
        "what": "own.yaml", "found": "data sets 0 of 1, judges 0 of 1", "ok": False,
        "hint": "atlas prepare own.yaml",
    }  # fmt: skip
    assert told[PARENT]["found"] == "parents 0 of 1"
    assert told["stylegan"]["found"] == "diagrams 1 of 2"  # one is pinned
    assert not (tmp_path / "home" / "strokes").exists()  # it looks, and makes nothing
    assert not (tmp_path / "runs").exists()
    missing = atlas(*line, "--check")
    assert missing.code == 1
    assert "next  atlas prepare own.yaml" in missing.err

    atlas("prepare", "own.yaml", PARENT, "stylegan")
    satisfied = atlas(*line, "--check", "--json")
    assert satisfied.code == 0
    assert findings(satisfied)["own.yaml"]["found"] == "data sets 1 of 1, judges 1 of 1"


def test_runs_elsewhere_are_looked_for_there(atlas: CommandLine) -> None:
    told = findings(atlas("doctor", "--class", PARENT, "--out", "shared", "--json"))
    assert told[PARENT]["hint"] == f"atlas prepare {PARENT} --out shared"
    assert told["runs"]["found"].endswith("shared")


def test_too_little_room_and_memory_are_told(
    atlas: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_classroom, "LEAST_DISK", 1e18)
    monkeypatch.setattr(_classroom, "LEAST_MEMORY", 1e18)
    told = findings(atlas("doctor", "--class", "fsq", "--json"))
    assert (told["room"]["ok"], told["memory"]["ok"]) == (False, False)
    assert told["room"]["hint"]


def test_a_screen_without_unicode_is_told_where_somebody_looks_at_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _classroom._screen()["ok"]  # of a script
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setattr("atlas_cli.screen.terminal.ascii_only", lambda: True)
    found = _classroom._screen()
    assert (found["ok"], found["hint"]) == (False, "export PYTHONUTF8=1, or a UTF-8 locale")


def test_a_missing_browser_is_told_and_not_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    import webbrowser

    def none() -> None:
        raise webbrowser.Error

    monkeypatch.setattr(webbrowser, "get", none)
    found = _classroom._browser()
    assert found["ok"]
    assert "--out FILE" in found["found"]
