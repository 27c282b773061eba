"""Every diagram opens in the interactive view, and four of them look as they did when a person looked.

`python -m tests.diagrams.app.test_gallery` writes the screens anew; look at the difference.
"""

from __future__ import annotations

import os
import tempfile

import pytest
from textual.pilot import Pilot

from atlas_cli import catalog
from atlas_cli.diagrams import gallery
from atlas_cli.diagrams.app.app import DiagramApp
from atlas_cli.diagrams.frames import Explorable
from atlas_cli.diagrams.model import Diagram
from tests.diagrams.app.explorables import GLYPH, WAVE
from tests.diagrams.app.house import GOLDEN, app_of, drive, named, screen, settle

EVERY = [shown for family in catalog.families() for shown in gallery.diagrams_of(family)]
SIZES = ((80, 24), (140, 40))
# The stepped ones without their code, whose lines change; explorables made here, since the gallery's grow.
LOOKED_AT = {
    "mamba-block": (named("mamba", "mamba-block"), ("3",)),
    "alternation": (named("gan", "alternation"), ("2",)),
    "wave": (WAVE, ("right", "right", "down", "3")),
    "glyph": (GLYPH, ("tab", "end")),
}


@pytest.mark.usefixtures("at_common_home")
@pytest.mark.parametrize("shown", EVERY, ids=lambda shown: f"{shown.family}-{shown.name}")
def test_every_diagram_opens_says_its_question_and_turns(shown: Diagram | Explorable):
    async def play(pilot: Pilot[None], app: DiagramApp) -> None:
        first = screen(app)
        lines = first.splitlines()
        assert shown.title in lines[0]
        assert " ".join(shown.question.split()[:4]) in first
        assert max(map(len, lines)) <= 100
        assert "q quit" in lines[-1]
        knob = app._row
        await pilot.press("left" if knob.place == knob.last else "right")
        await settle(pilot, app)
        assert screen(app) != first
        assert isinstance(shown, Explorable) or any(sign in screen(app) for sign in "╔║╚")  # lit
        await pilot.press("c")
        await settle(pilot, app)
        assert "atlas_cli/" in screen(app)

    drive(app_of(shown), (100, 30), play)


def drawn(name: str, size: tuple[int, int]) -> str:
    """The screen after some keys, the code hidden."""
    shown, keys = LOOKED_AT[name]
    screens = []

    async def play(pilot: Pilot[None], app: DiagramApp) -> None:
        await pilot.press(*(["c"] if app._stage.coded else []), *keys)
        await settle(pilot, app)
        screens.append(screen(app))

    drive(app_of(shown), size, play)
    return screens[0]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", LOOKED_AT)
def test_it_looks_as_it_did(name: str, size: tuple[int, int]):
    expected = (GOLDEN / f"{name}-{size[0]}.txt").read_text(encoding="utf-8")
    assert drawn(name, size) == expected


def write() -> None:
    """The screens as they look now."""
    for name in LOOKED_AT:
        for size in SIZES:
            (GOLDEN / f"{name}-{size[0]}.txt").write_text(drawn(name, size), encoding="utf-8")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as home:
        os.environ["ATLAS_HOME"] = home
        write()
