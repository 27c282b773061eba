"""Opening the interactive view: where it opens, and the command that prints what it was left at."""

from __future__ import annotations

import sys

import pytest

from atlas_cli.diagrams.app import app, start
from atlas_cli.errors import UsageError
from tests.diagrams.app.explorables import WAVE
from tests.diagrams.app.house import named


@pytest.fixture
def at_a_terminal(monkeypatch: pytest.MonkeyPatch) -> list[app.DiagramApp]:
    """A terminal whose reader presses nothing but `right` once and leaves; the views that were opened."""
    opened: list[app.DiagramApp] = []

    def to_the_end(app: app.DiagramApp) -> dict[str, object]:
        opened.append(app)
        knob = app.view.knobs[-1]
        place = knob.values.index(app.seen.setting[knob.name]) + 1
        return {**app.seen.setting, knob.name: knob.values[place]}

    for stream in (sys.stdin, sys.stdout, sys.__stderr__):
        monkeypatch.setattr(stream, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(app.DiagramApp, "to_the_end", to_the_end)
    monkeypatch.setenv("TERM", "xterm")
    return opened


def test_an_explorable_opens_at_its_setting_and_is_left_with_the_knobs_that_were_turned(at_a_terminal):
    left = start.turn(WAVE, ["shape=cube"], None, "atlas diagram mamba wave")
    assert at_a_terminal[0].view.setting == {"step": 0, "shape": "cube"}
    assert left == "atlas diagram mamba wave --set 'shape=fifth power'"


def test_a_stepped_diagram_opens_at_its_step(at_a_terminal):
    left = start.turn(named("gan", "alternation"), [], 3, "atlas diagram gan alternation")
    assert at_a_terminal[0].view.setting == {"step": 3}
    assert left == "atlas diagram gan alternation --step 4"


def test_a_dumb_terminal_is_none(at_a_terminal, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TERM", "dumb")
    with pytest.raises(UsageError, match="needs a terminal") as raised:
        start.turn(WAVE, [], None, "atlas diagram mamba wave")
    assert raised.value.hint == "atlas diagram mamba wave  prints the diagram"
    assert not at_a_terminal


def test_a_setting_that_is_none_is_told_before_anything_opens(at_a_terminal):
    with pytest.raises(UsageError, match="no knob 'shap'"):
        start.turn(WAVE, ["shap=cube"], None, "atlas diagram mamba wave")
    assert not at_a_terminal
