"""A mouse on a plot turns the knobs that the plot names, as a hand on the web page does."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from atlas_cli.diagrams.app.app import DiagramApp
from atlas_cli.diagrams.app.widgets import Pane
from atlas_cli.diagrams.frames import Drag
from atlas_cli.diagrams.text.parts import PART
from atlas_cli.diagrams.text.plots import HAND
from tests.diagrams.app.house import WIDE, app_of, drive, named, settle

Cells = dict[tuple[int, int], tuple[tuple[Drag, float, bool], ...]]


def cells(app: DiagramApp) -> Cells:
    """Where on the screen a plot can be seized, and what is known there."""
    region = app.query_one("#picture", Pane).content_region
    return {
        (x, y): known
        for x in range(region.x, region.right)
        for y in range(region.y, region.bottom)
        if (known := app.screen.get_style_at(x, y).meta.get(HAND))
    }


def test_a_drag_along_a_curve_turns_its_knob_until_it_is_let_go():
    async def play(pilot: Pilot[None], app: DiagramApp) -> None:
        (x0, y), (x1, _) = min(cells(app)), max(cells(app))
        pane = app.query_one("#picture", Pane)
        await pilot.mouse_down(offset=(x0, y))
        assert app.seen.setting["t"] == 0
        await settle(pilot, app)
        await pilot.hover(offset=(x1, y))
        await pilot.pause()
        turned = app.seen.setting["t"]
        assert turned > 0.95 * app.view.knobs[0].values[-1]
        await pilot.mouse_up(offset=(x1, y))
        await pilot.hover(offset=(x0, y))
        assert app.seen.setting["t"] == turned
        assert app.mouse_captured is None
        await settle(pilot, app)
        assert pane.is_attached

    drive(app_of(named("ddpm", "noising")), WIDE, play)


def test_a_point_in_the_plane_is_two_knobs():
    async def play(pilot: Pilot[None], app: DiagramApp) -> None:
        found = cells(app)
        left, top = min(x for x, _ in found), min(y for _, y in found)
        await pilot.click(offset=(left, top))
        assert (app.seen.setting["x"], app.seen.setting["y"]) == (-2.4, 2.4)
        await settle(pilot, app)
        found = cells(app)  # the figures above may have another height now
        right, bottom = max(x for x, _ in found), max(y for _, y in found)
        await pilot.click(offset=(right, bottom))
        assert (app.seen.setting["x"], app.seen.setting["y"]) == (2.4, -2.4)

    drive(app_of(named("vae", "latent-walk")), (140, 60), play)


def test_a_hand_on_a_sketch_turns_its_knob_downwards_too():
    """The rounds of the tree lie below each other."""

    async def play(pilot: Pilot[None], app: DiagramApp) -> None:
        for pick, step in ((min, 0), (max, 5)):  # beyond the last of four rounds lies the fifth
            tree = [at for at, known in cells(app).items() if known[0][0].axis == "y"]
            await pilot.click(offset=(tree[0][0], pick(y for _, y in tree)))
            assert app.seen.setting["step"] == step
            await settle(pilot, app)

    drive(app_of(named("mamba", "scan-tree")), (140, 60), play)


def test_beside_the_plot_nothing_is_seized():
    async def play(pilot: Pilot[None], app: DiagramApp) -> None:
        before = dict(app.seen.setting)
        region = app.query_one("#picture", Pane).content_region
        assert (region.x, region.y) not in cells(app)
        await pilot.click(offset=(region.x, region.y))
        assert app.seen.setting == before

    drive(app_of(named("ddpm", "noising")), WIDE, play)


def lit_in(app: DiagramApp) -> str:
    """All characters of the picture that are lit."""
    return "".join(
        text
        for strip in app.screen._compositor.render_strips()
        for text, style, _ in strip
        if style is not None and style.underline and style.color is not None
    )


def of_part(app: DiagramApp, says: str) -> tuple[int, int]:
    """Where on the screen a part stands, by what it says."""
    region = app.query_one("#picture", Pane).content_region
    return next(
        (x, y) for y in range(region.y, region.bottom) for x in range(region.x, region.right)
        if (part := app.screen.get_style_at(x, y).meta.get(PART)) and part.says.startswith(says)
    )  # fmt: skip


def test_the_mouse_lights_what_belongs_together_and_says_what_it_is():
    async def play(pilot: Pilot[None], app: DiagramApp) -> None:
        assert "B" not in lit_in(app)
        await pilot.hover(offset=of_part(app, "B 0"))
        await pilot.pause()
        light = lit_in(app)
        assert light.count("B") >= 2  # the token and its bar
        assert "keep" not in light
        assert app.seen.pointed.says.startswith("B 0")
        assert app.seen.pointed.says in str(app.query_one("#status", Static).visual)
        await pilot.hover(offset=(0, 0))
        await pilot.pause()
        assert "B" not in lit_in(app)
        assert app.seen.pointed is None

    drive(app_of(named("mamba", "selective-scan")), (140, 60), play)


def test_the_light_stays_in_its_place_while_a_knob_turns():
    async def play(pilot: Pilot[None], app: DiagramApp) -> None:
        await pilot.press("l", "shift+right")
        before = app.seen.pointed
        assert before.spots[0].numbers == (1,)
        await pilot.press("right")
        await settle(pilot, app)
        assert app.seen.pointed.spots == before.spots
        assert app.seen.pointed.says != before.says
        await pilot.press("l")
        assert app.seen.pointed is None
        assert lit_in(app).strip() == ""

    drive(app_of(named("mamba", "selective-scan")), (140, 60), play)


def test_a_sketch_is_lit_too_and_pictures_without_parts_offer_no_light():
    async def tree(pilot: Pilot[None], app: DiagramApp) -> None:
        await pilot.press("shift+right")
        assert app.seen.pointed is not None
        assert lit_in(app).strip()

    async def none(pilot: Pilot[None], app: DiagramApp) -> None:
        await pilot.press("l", "shift+right")
        assert app.seen.pointed is None
        assert not app.check_action("light", ())

    drive(app_of(named("mamba", "scan-tree")), (140, 60), tree)
    drive(app_of(named("ddpm", "noising")), WIDE, none)


@pytest.mark.parametrize(
    ("drag", "values", "place", "log", "expected"),
    [
        (Drag("t"), (0, 5, 10), 6.0, False, 1),
        (Drag("n"), (16, 256, 4096), 3.4, True, 2),  # 10^3.4 = 2512
        (Drag("n"), (0, 1, 10), -5.0, True, 1),  # 0 has no place on an axis of factors
        (Drag("b", values=(1, 2, 3), at=(300, 20, 10)), (1, 2, 3), 18.0, False, 1),
        (Drag("b", values=(1, 2, 3), at=(300, 20, 10)), (1, 3), 18.0, False, 1),  # knobs may have lost values
    ],
)
def test_the_nearest_value_is_taken_where_it_lies(drag, values, place, log, expected):
    assert drag.nearest(values, place, log) == expected
