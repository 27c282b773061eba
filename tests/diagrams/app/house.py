"""Opens the interactive view without a terminal, turns it, and reads its screen."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from time import monotonic

from textual.pilot import Pilot

from atlas_cli import catalog
from atlas_cli.diagrams import gallery
from atlas_cli.diagrams.app.app import DiagramApp
from atlas_cli.diagrams.app.views import Look, view_of
from atlas_cli.diagrams.app.widgets import KnobRow
from atlas_cli.diagrams.frames import Explorable
from atlas_cli.diagrams.model import Diagram

PATIENCE_S = 60.0  # the first frame of a session may have to import torch on a busy machine
GOLDEN = Path(__file__).parent / "golden"
NARROW, WIDE = (80, 24), (140, 45)
Play = Callable[[Pilot[None], DiagramApp], Awaitable[None]]


def app_of(shown: Diagram | Explorable, look: Look | None = None, **opened: object) -> DiagramApp:
    """The view of a diagram."""
    topic = catalog.resolve(shown.topics[0])
    return DiagramApp(view_of(shown, topic, **opened), look or Look())


def named(topic: str, name: str) -> Diagram | Explorable:
    """A diagram of the gallery."""
    return gallery.find(catalog.resolve(topic), name)


def stepped(**opened: object) -> DiagramApp:
    """The view of a block diagram of seven steps."""
    return app_of(named("mamba", "mamba-block"), **opened)


def drive(app: DiagramApp, size: tuple[int, int], play: Play) -> None:
    """Open the view at a size, wait for its first frame, and play."""

    async def run() -> None:
        async with app.run_test(size=size) as pilot:
            await settle(pilot, app)
            await play(pilot, app)

    asyncio.run(run())


async def settle(pilot: Pilot[None], app: DiagramApp) -> None:
    """Wait until what is shown is what the knobs say."""
    await until(pilot, lambda: not app.computing or app.fault is not None)
    await pilot.pause()
    await pilot.pause()


async def until(pilot: Pilot[None], done: Callable[[], bool]) -> None:
    """Wait for something."""
    deadline = monotonic() + PATIENCE_S
    await pilot.pause()
    while not done():
        assert monotonic() < deadline, "it never happened"
        await pilot.pause(0.02)


def screen(app: DiagramApp) -> str:
    """What stands on the screen, after its filters, without colours."""
    lines = []
    for strip in app.screen._compositor.render_strips():
        segments = list(strip)
        for each in app.get_line_filters():
            segments = each.apply(segments, app.screen.background_colors[1])
        lines.append("".join(segment.text for segment in segments).rstrip())
    return "\n".join(lines) + "\n"


def row(app: DiagramApp, name: str) -> KnobRow:
    """The row of a knob."""
    return next(row for row in app.query(KnobRow) if row.knob.name == name)
