"""What the interactive view shows: frames as they come, code, help, and what a terminal can show of them."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from atlas_cli.diagrams.app.app import DiagramApp
from atlas_cli.diagrams.app.views import Look
from atlas_cli.diagrams.app.widgets import Help
from atlas_cli.errors import UsageError
from tests.diagrams.app.explorables import LAST, Watched
from tests.diagrams.app.house import NARROW, WIDE, app_of, drive, named, screen, settle, stepped, until

# --- frames ----------------------------------------------------------------------------------------------


def test_of_a_knob_held_down_only_the_latest_setting_is_computed(watched: Watched):
    async def play(pilot: Pilot[None], app: DiagramApp) -> None:
        assert watched.computed == [2]
        watched.may_end.clear()
        await pilot.press("right")
        await until(pilot, lambda: watched.computed == [2, 3])
        await pilot.press("right", "right", "right")
        await until(pilot, lambda: "computing" in screen(app))
        assert "●" in screen(app)  # the interface goes on: the knob is where the hand is
        assert app.seen.setting["gate"] == LAST
        assert "It goes up by 2." in screen(app)
        watched.may_end.set()
        await settle(pilot, app)
        assert watched.computed == [2, 3, LAST]
        assert f"It goes up by {LAST}." in screen(app)
        assert "computing" not in screen(app)

    drive(app_of(watched.shown), NARROW, play)


def test_a_frame_that_cannot_be_computed_says_how_to_mend_it(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
):
    async def play(pilot: Pilot[None], app: DiagramApp) -> None:
        def fail(setting: object) -> None:
            raise UsageError("the run is gone", "atlas train mamba")

        monkeypatch.setattr(app._frames, "_compute", fail)
        await pilot.press("right")
        await settle(pilot, app)
        assert "the run is gone" in screen(app)
        assert "atlas train mamba" in screen(app)
        monkeypatch.undo()
        await pilot.press("right")
        await settle(pilot, app)
        assert "It goes up by 4." in screen(app)

    drive(app_of(watched.shown), NARROW, play)


def test_a_fault_of_the_computation_ends_it(watched: Watched):
    def fault(setting: object) -> None:
        raise ZeroDivisionError("a fault of ours")

    app = app_of(watched.shown)
    app._frames._compute = fault
    with pytest.raises(ZeroDivisionError, match="a fault of ours"):
        drive(app, NARROW, settle)
    assert isinstance(app.fault, ZeroDivisionError)


# --- code and help ---------------------------------------------------------------------------------------


def test_in_a_wide_window_the_code_of_the_step_stands_beside_the_picture():
    async def play(pilot: Pilot[None], app: DiagramApp) -> None:
        await pilot.press("3")
        await settle(pilot, app)
        line = next(line for line in screen(app).splitlines() if "def short_convolution(" in line)
        assert "│" in line
        assert "╔═ 3 ═" in screen(app)
        await pilot.press("c")
        await settle(pilot, app)
        assert "def short_convolution(" not in screen(app)

    drive(stepped(), WIDE, play)


def test_in_a_narrow_window_the_code_takes_the_place_of_the_picture_until_it_is_asked_away():
    async def play(pilot: Pilot[None], app: DiagramApp) -> None:
        assert "def " not in screen(app)
        await pilot.press("3", "c")
        await settle(pilot, app)
        shown = screen(app)
        assert "def short_convolution(" in shown
        assert "╔═ 3 ═" not in shown
        assert "▶ 3/7  " in shown
        await pilot.press("tab", "right")  # while the code has the focus, steps go on
        await settle(pilot, app)
        assert app.seen.setting == {"step": 4}
        await pilot.press("c")
        await settle(pilot, app)
        assert "╔═ 4 ═" in screen(app)

    drive(stepped(), NARROW, play)


def test_the_code_of_an_explorable_is_the_function_that_computes_its_frame():
    async def play(pilot: Pilot[None], app: DiagramApp) -> None:
        assert "def kv_cache(" not in screen(app)
        await pilot.press("c")
        await settle(pilot, app)
        assert "def kv_cache(" in screen(app)

    for size in (NARROW, WIDE):
        drive(app_of(named("gpt", "kv-cache")), size, play)


def test_a_resize_lays_out_anew():
    async def play(pilot: Pilot[None], app: DiagramApp) -> None:
        beside = screen(app)
        assert "def forward(" in beside
        await pilot.resize_terminal(*NARROW)
        await settle(pilot, app)
        assert "def forward(" not in screen(app)
        assert max(map(len, screen(app).splitlines())) <= NARROW[0]
        await pilot.resize_terminal(*WIDE)
        await settle(pilot, app)
        assert screen(app) == beside

    drive(stepped(), WIDE, play)


@pytest.mark.parametrize("key", ["question_mark", "escape", "q"])
def test_help_opens_and_a_key_closes_it_and_nothing_else(key: str):
    async def play(pilot: Pilot[None], app: DiagramApp) -> None:
        await pilot.press("question_mark")
        await pilot.pause()
        assert "Keys and mouse" in screen(app)
        assert "a tensor" in screen(app)
        await pilot.press(key)
        await pilot.pause()
        assert app.is_running
        assert not isinstance(app.screen, Help)

    drive(stepped(), NARROW, play)


# --- what a terminal can show ----------------------------------------------------------------------------


def test_plain_is_ascii_to_the_last_character(watched: Watched):
    async def play(pilot: Pilot[None], app: DiagramApp) -> None:
        assert screen(app).isascii()
        await pilot.press("question_mark")
        await pilot.pause()
        assert screen(app).isascii()

    for shown in (watched.shown, named("mamba", "mamba-block")):
        drive(app_of(shown, Look(plain=True, colour=False)), NARROW, play)


def test_without_colour_nothing_is_coloured_and_with_colour_no_ground_is(watched: Watched):
    def colours(app: DiagramApp) -> tuple[set[object], set[object]]:
        fore, back = set(), set()
        for strip in app.screen._compositor.render_strips():
            segments = list(strip)
            for each in app.get_line_filters():
                segments = each.apply(segments, app.screen.background_colors[1])
            fore |= {segment.style.color for segment in segments if segment.style}
            back |= {segment.style.bgcolor for segment in segments if segment.style}
        return {c.name for c in fore if c}, {c.name for c in back if c}

    async def coloured(pilot: Pilot[None], app: DiagramApp) -> None:
        fore, back = colours(app)
        assert "#c8642e" in fore
        assert back <= {"default"}

    async def colourless(pilot: Pilot[None], app: DiagramApp) -> None:
        assert colours(app) == (set(), set())

    drive(app_of(watched.shown), NARROW, coloured)
    drive(app_of(watched.shown, Look(colour=False)), NARROW, colourless)
