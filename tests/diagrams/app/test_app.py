"""The interactive view, turned by keys and mouse."""

from __future__ import annotations

import re

import pytest
from textual.pilot import Pilot

from atlas_cli.diagrams.app.app import DiagramApp
from atlas_cli.diagrams.app.widgets import Help, PlayButton
from tests.diagrams.app.explorables import LAST, Watched
from tests.diagrams.app.house import NARROW, WIDE, app_of, drive, row, screen, settle, stepped, until

# --- keys ------------------------------------------------------------------------------------------------


def test_keys_step_and_light_what_the_step_is_about():
    async def play(pilot: Pilot[None], app: DiagramApp) -> None:
        for key, step in (
            ("right", 2), ("5", 5), ("left", 4), ("end", 7), ("right", 7), ("home", 1), ("left", 1), ("9", 1),
        ):  # fmt: skip
            await pilot.press(key)
            await settle(pilot, app)
            assert app.seen.setting == {"step": step}
            shown = screen(app)
            assert f"▶ {step}/7  " in shown
            assert f"[{step}]" in shown
            assert f"╔═ {step} ═" in shown
        await pilot.press("3", "r")
        assert app.seen.setting == {"step": 1}

    drive(stepped(), NARROW, play)


def test_it_opens_at_the_step_and_the_setting_that_were_asked_for(watched: Watched):
    async def at_step(pilot: Pilot[None], app: DiagramApp) -> None:
        assert "▶ 6/7  " in screen(app)

    async def at_setting(pilot: Pilot[None], app: DiagramApp) -> None:
        assert "It goes down by 5." in screen(app)

    drive(stepped(step=6), NARROW, at_step)
    drive(app_of(watched.shown, setting={"gate": 5, "way": "down"}), NARROW, at_setting)


def test_keys_turn_the_marked_knob_and_arrows_and_tab_mark_another(watched: Watched):
    async def play(pilot: Pilot[None], app: DiagramApp) -> None:
        assert "It goes up by 2." in screen(app)
        assert "Which way?" in screen(app)
        await pilot.press("right", "right", "down", "right")
        await settle(pilot, app)
        assert app.seen.setting == {"gate": 4, "way": "down"}
        assert "It goes down by 4." in screen(app)
        assert "gate 4   way down" in screen(app)
        await pilot.press("3", "tab", "end")
        assert app.seen.setting == {"gate": LAST, "way": "left"}
        await pilot.press("down", "up", "home", "3")  # a slider has no names to pick from
        assert app.seen.setting == {"gate": 0, "way": "left"}
        await pilot.press("r")
        assert app.seen.setting == {"gate": 2, "way": "up"}

    drive(app_of(watched.shown), NARROW, play)


def test_a_picture_that_is_taller_than_the_screen_is_scrolled():
    async def play(pilot: Pilot[None], app: DiagramApp) -> None:
        assert re.search(r"▼ \d\d more: PgUp PgDn─", screen(app))
        assert "▲ " not in screen(app)
        first = screen(app)
        await pilot.press("pagedown")
        await pilot.pause()
        below = screen(app)
        assert "more: PgUp PgDn" in below
        assert "▲ " in below
        await pilot.press("pageup", "down", "up")
        await pilot.pause()
        assert screen(app) == first

    drive(stepped(), NARROW, play)


def test_q_and_escape_leave_and_ctrl_c_says_so():
    async def press(pilot: Pilot[None], app: DiagramApp, key: str, fault: type | None) -> None:
        await pilot.press(key)
        await pilot.pause()
        assert not app.is_running
        assert type(app.fault) is (fault or type(None))

    drive(stepped(), NARROW, lambda pilot, app: press(pilot, app, "q", None))
    drive(stepped(), NARROW, lambda pilot, app: press(pilot, app, "escape", None))
    drive(stepped(), NARROW, lambda pilot, app: press(pilot, app, "ctrl+c", KeyboardInterrupt))


# --- mouse -----------------------------------------------------------------------------------------------


def test_a_click_and_a_drag_turn_a_slider(watched: Watched):
    async def play(pilot: Pilot[None], app: DiagramApp) -> None:
        gate = row(app, "gate")
        line = screen(app).splitlines()[gate.region.y]
        left, right = line.index("━") - gate.region.x, line.rindex("─") - gate.region.x
        await pilot.click(gate, offset=(right, 0))
        assert app.seen.setting["gate"] == LAST
        await pilot.mouse_down(gate, offset=(right, 0))
        await pilot.hover(gate, offset=((left + right) // 2, 0))
        assert app.seen.setting["gate"] == LAST // 2
        await pilot.hover(gate, offset=(0, 3))  # a hand that strays
        assert app.seen.setting["gate"] == 0
        await pilot.mouse_up(gate, offset=(0, 3))
        await pilot.hover(gate, offset=(right, 0))
        assert app.seen.setting["gate"] == 0
        await pilot.click(gate, offset=(2, 0))  # its name: marks it, turns nothing
        assert app.seen.setting["gate"] == 0
        assert gate.has_focus

    drive(app_of(watched.shown), NARROW, play)


def test_a_click_picks_a_name_or_a_step(watched: Watched):
    async def pick(pilot: Pilot[None], app: DiagramApp, name: str, text: str, value: object) -> None:
        knob = row(app, name)
        line = screen(app).splitlines()[knob.region.y]
        await pilot.click(knob, offset=(line.index(text) - knob.region.x, 0))
        assert app.seen.setting[name] == value

    drive(app_of(watched.shown), NARROW, lambda pilot, app: pick(pilot, app, "way", "left", "left"))
    drive(stepped(), NARROW, lambda pilot, app: pick(pilot, app, "step", " 5 ", 5))


def test_the_wheel_turns_the_knob_under_it(watched: Watched):
    async def play(pilot: Pilot[None], app: DiagramApp) -> None:
        gate = row(app, "gate")
        await pilot._post_mouse_events([events.MouseScrollUp], gate, button=0)
        assert app.seen.setting["gate"] == 3
        await pilot._post_mouse_events([events.MouseScrollDown], gate, button=0)
        assert app.seen.setting["gate"] == 2

    from textual import events

    drive(app_of(watched.shown), NARROW, play)


def test_a_click_on_a_box_goes_to_its_step_and_shows_its_code():
    async def play(pilot: Pilot[None], app: DiagramApp) -> None:
        lines = screen(app).splitlines()
        y = next(i for i, line in enumerate(lines) if "convolve, SiLU" in line)
        await pilot.click(offset=(lines[y].index("convolve"), y))
        await settle(pilot, app)
        assert app.seen.setting == {"step": 3}
        assert "def short_convolution(" in screen(app)
        await pilot.press("right")
        await settle(pilot, app)
        assert "def short_convolution(" not in screen(app)

    drive(stepped(), WIDE, play)


def test_words_of_the_last_line_and_the_play_button_are_clicked():
    async def play(pilot: Pilot[None], app: DiagramApp) -> None:
        last = screen(app).splitlines()[-1]
        await pilot.click(offset=(last.index("help"), NARROW[1] - 1))
        assert isinstance(app.screen, Help)
        await pilot.press("escape")
        await pilot.click(PlayButton)
        assert app.query_one(PlayButton).playing
        await pilot.click(PlayButton)
        assert not app.query_one(PlayButton).playing

    drive(stepped(), NARROW, play)


# --- playing ---------------------------------------------------------------------------------------------


def test_it_plays_to_the_end_without_leaving_out_a_frame_and_then_from_the_start(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
):
    async def play(pilot: Pilot[None], app: DiagramApp) -> None:
        monkeypatch.setattr(app.view, "pause_s", lambda setting, knob: 0.01)
        await pilot.press("space")
        await until(pilot, lambda: not app.query_one(PlayButton).playing)
        assert app.seen.setting["gate"] == LAST
        assert "▶ play" in screen(app)
        await settle(pilot, app)
        assert watched.computed == [2, 3, 4, 5, 6]
        await pilot.press("space")
        await until(pilot, lambda: not app.query_one(PlayButton).playing)
        await settle(pilot, app)
        assert watched.computed == [2, 3, 4, 5, 6, 0, 1]  # the others are in the cache

    drive(app_of(watched.shown), NARROW, play)


@pytest.mark.parametrize("key", ["space", "left", "question_mark", "r"])
def test_a_key_stops_it(key: str, monkeypatch: pytest.MonkeyPatch):
    async def play(pilot: Pilot[None], app: DiagramApp) -> None:
        monkeypatch.setattr(app.view, "pause_s", lambda setting, knob: 30.0)
        await pilot.press("space")
        assert app.query_one(PlayButton).playing
        assert "❚❚ pause" in screen(app)
        button = app.query_one(PlayButton)
        await pilot.press(key)
        assert not button.playing

    drive(stepped(step=3), NARROW, play)


def test_a_hand_on_a_knob_stops_it(watched: Watched, monkeypatch: pytest.MonkeyPatch):
    async def play(pilot: Pilot[None], app: DiagramApp) -> None:
        monkeypatch.setattr(app.view, "pause_s", lambda setting, knob: 30.0)
        await pilot.press("space")
        await pilot.click(row(app, "way"), offset=(2, 0))
        await pilot.pause()
        assert not app.query_one(PlayButton).playing

    drive(app_of(watched.shown), NARROW, play)
