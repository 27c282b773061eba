"""Draw the README's pictures from real output: the map, a training as the terminal shows it, a diagram.

    python docs/pictures.py            # trains ddpm/small to three fifths, two minutes on two cores
    python docs/pictures.py map scan   # some of them alone

The map's pictures and the terminal's are SVG with text in the reader's own monospaced font.
"""

from __future__ import annotations

import sys
import tempfile
from contextlib import AbstractContextManager, nullcontext
from io import StringIO
from pathlib import Path

from rich.console import Console, RenderableType
from rich.terminal_theme import DIMMED_MONOKAI
from rich.text import Text
from rich.theme import Theme

from atlas_cli import api
from atlas_cli.commands.ls import render_map
from atlas_cli.engine.build import Options
from atlas_cli.engine.trainer import execute
from atlas_cli.present.glimpse import Glimpse
from atlas_cli.present.panel import LiveProgress
from atlas_cli.present.progress import Progress, Training
from atlas_cli.present.reporter import SilentReporter
from atlas_cli.screen.terminal import PALETTE

FOLDER = Path(__file__).parent / "pictures"
COLUMNS, ROWS = 96, 30
SHOWN_AFTER = 0.6  # of the steps

#: Rich's frame of a terminal, without its fonts from the network.
FRAME = """<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: {char_height}px; line-height: {line_height}px; font-variant-east-asian: full-width; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" /></clipPath>{lines}</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


class Shown(Exception):
    """The picture is taken; the rest of the training is of no use."""


class Camera:
    """A panel that nobody sees, until its picture is taken."""

    def __init__(self, training: Training) -> None:
        self.panel = LiveProgress(recorder(), training)
        self.step_shown = round(SHOWN_AFTER * training.steps)

    def update(self, step: int, metrics: dict[str, float], seconds: float) -> None:
        self.panel.meter.update(step, metrics, seconds)
        if step == self.step_shown + 1:
            raise Shown

    def glimpse(self, glimpse: Glimpse) -> None:
        self.panel.glimpse(glimpse)


class Photographer(SilentReporter):
    """Keeps the camera of the training that it is told of."""

    camera: Camera

    def progress(self, training: Training) -> AbstractContextManager[Progress]:
        self.camera = Camera(training)
        return nullcontext(self.camera)


def recorder() -> Console:
    """A terminal in colour that remembers what was printed."""
    return Console(
        record=True, width=COLUMNS, height=ROWS, force_terminal=True, color_system="truecolor",
        file=StringIO(), theme=Theme(PALETTE), legacy_windows=False,
    )  # fmt: skip


def save(name: str, title: str, shown: RenderableType) -> None:
    """One SVG of a terminal."""
    console = recorder()
    console.print(shown)
    console.save_svg(str(FOLDER / f"{name}.svg"), title=title, theme=DIMMED_MONOKAI, code_format=FRAME)


def draw_map() -> None:
    save("map", "atlas", Text("\n").join(render_map(COLUMNS - 2)))


def draw_training() -> None:
    photographer = Photographer()
    with tempfile.TemporaryDirectory() as folder:
        options = Options(out=Path(folder) / "runs", device="cpu", watched=True)
        try:
            execute(api.recipe("ddpm/small"), options, photographer)
        except Shown:
            save("training", "atlas train ddpm --recipe small", photographer.camera.panel.render())


def draw_scan() -> None:
    api.diagram("mamba", "selective-scan", gate=1).save(FOLDER / "scan.svg")


DRAWN = {"map": draw_map, "training": draw_training, "scan": draw_scan}

if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name in sys.argv[1:] or DRAWN:
        DRAWN[name]()
    total = sum(path.stat().st_size for path in FOLDER.iterdir())
    assert total < 500_000, f"the pictures have {total:,} bytes together"
