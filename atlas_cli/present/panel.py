"""The live panel of a training on a terminal: figures, the newest sample, the curves."""

from __future__ import annotations

import time
from collections.abc import Sequence
from types import TracebackType

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.segment import Segment, Segments
from rich.table import Table
from rich.text import Text

from atlas_cli.present.glimpse import Glimpse
from atlas_cli.present.progress import Meter, Training, loss_curve
from atlas_cli.recipe.model import Bar

REFRESH_SECONDS = 0.4
WIDEST = 100  # columns
FREE = 2  # columns at the right: a terminal writes ^C after the last line, which else it would break
LEAST_BAR = 4  # cells; a shorter one says nothing
CURVE_ROWS, LEAST_ROWS = 6, 3
AXIS = 10  # columns of a curve's labels


class LiveProgress:
    """A panel that redraws itself a few times a second; it fits the terminal, whatever its size."""

    def __init__(self, console: Console, training: Training) -> None:
        self.console, self.meter = console, Meter(training)
        self._live = Live(console=console, auto_refresh=False, transient=False)
        self._drawn = 0.0
        self._glimpse: Glimpse | None = None
        self._picture: tuple[int, list[list[Segment]]] = (0, [])  # of the glimpse, drawn at that width

    def __enter__(self) -> LiveProgress:
        self._live.__enter__()
        self._refresh()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._refresh()
        self._live.__exit__(kind, value, trace)

    def update(self, step: int, metrics: dict[str, float], seconds: float) -> None:
        self.meter.update(step, metrics, seconds)
        if time.monotonic() - self._drawn >= REFRESH_SECONDS:
            self._refresh()

    def glimpse(self, glimpse: Glimpse) -> None:
        if glimpse.held_out is not None:
            self.meter.held_out.append((glimpse.step, glimpse.held_out))
        self._glimpse, self._picture = glimpse, (0, [])
        self._refresh()

    def _refresh(self) -> None:
        self._drawn = time.monotonic()
        self._live.update(self.render(), refresh=True)

    def render(self) -> RenderableType:
        """The panel, no wider and no higher than the terminal."""
        width = min(self.console.width - FREE, WIDEST)
        parts: list[RenderableType] = [self._first_line(width), *wrapped(self._figures(), width)]
        rows = self.console.height - 1 - len(parts)
        picture = self._sample(width)
        if picture and len(picture) + 1 <= rows:
            assert self._glimpse is not None
            parts.append(Text(f"what it makes after step {self._glimpse.step:,}:", "atlas.muted"))
            parts.append(Segments([s for line in picture for s in (*line, Segment.line())]))
            rows -= len(picture) + 1
        curves = self._curves(width, min(CURVE_ROWS, rows - 1))
        return Group(*parts, curves) if curves is not None else Group(*parts)

    def _first_line(self, width: int) -> Text:
        """Title, bar, steps and time left: the bar gives way, then the title, never the figures."""
        m, unicode = self.meter, self._unicode
        left = m.left()
        figures = f"{m.step}/{m.steps}" + (f"  {left}" if left else "")
        title, room = m.training.title, width - len(figures) - 2
        cells = room - len(title) - 2
        if cells < LEAST_BAR:
            line = Text(f"{shortened(title, room, unicode)}  ", "bold", no_wrap=True)
            return line.append_text(Text(figures, "default"))
        filled = round(m.step / m.steps * cells) if m.steps else 0
        return Text.assemble(
            (f"{title}  ", "bold"), (("━" if unicode else "#") * filled, "cyan"),
            (("━" if unicode else "-") * (cells - filled), "bright_black"), f"  {figures}",
            no_wrap=True,
        )  # fmt: skip

    def _figures(self) -> list[Text]:
        """Loss, held-out loss, the claimed figure and its bar, speed: each as far as it is known."""
        m, muted = self.meter, "atlas.muted"
        parts = []
        if m.step:
            parts.append(Text.assemble(("loss ", muted), (f"{m.loss:.4f}", "cyan")))
        if m.held_out:
            parts.append(Text.assemble(("held out ", muted), (f"{m.held_out[-1][1]:.4f}", "cyan")))
        if m.claimed is not None:
            wanted = f" (wanted {m.training.claims[m.claimed]})"
            parts.append(
                Text.assemble((f"{m.claimed} ", muted), f"{m.figure(m.claimed):.3f}", (wanted, muted))
            )
        if speed := m.speed():
            parts.append(Text(speed))
        return parts

    def _sample(self, width: int) -> list[list[Segment]]:
        """The rows of the newest sample, drawn once for a width."""
        if self._glimpse is None:
            return []
        drawn_at, rows = self._picture
        if drawn_at != width:
            look = self._glimpse.artifact.at_a_glance(self.console, width)
            rows = self.console.render_lines(look, self.console.options.update(width=width), pad=False)
            self._picture = (width, rows)
        return rows

    def _curves(self, width: int, rows: int) -> RenderableType | None:
        """The loss, and beside it the claimed figure with its bar as a line; None where there is no room."""
        m = self.meter
        if rows < LEAST_ROWS:
            return None
        losses = m.curves.get("loss", [])
        if m.claimed is None:
            drawn = loss_curve(losses, width - AXIS, rows, self._unicode, m.held_out)
            return Text(drawn, "cyan", no_wrap=True) if drawn else None
        half = (width - 2) // 2 - AXIS
        bar = m.training.claims[m.claimed]
        loss = loss_curve(losses, half, rows, self._unicode, m.held_out)
        claimed = loss_curve(m.curves.get(m.claimed, []), half, rows, self._unicode, line=bound(bar))
        if not loss or not claimed:
            return None
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_row(Text(loss, "cyan", no_wrap=True), Text(claimed, "green", no_wrap=True))
        return table

    @property
    def _unicode(self) -> bool:
        return self.console.encoding.startswith("utf")


def bound(bar: Bar) -> float | None:
    """The bar as one line: what must be reached, or not be passed."""
    return bar.min if bar.min is not None else bar.max


def wrapped(parts: Sequence[Text], width: int) -> list[Text]:
    """The parts in lines of at most `width` columns; none is broken unless it is wider by itself."""
    lines: list[Text] = []
    for part in parts:
        if lines and lines[-1].cell_len + 2 + part.cell_len <= width:
            lines[-1].append("  ").append_text(part)
        else:
            lines.append(part.copy())
    return lines


def shortened(title: str, width: int, unicode: bool) -> str:
    """The title in at most `width` characters, with a sign where it was cut."""
    sign = "…" if unicode else "..."
    return title if len(title) <= width else title[: max(0, width - len(sign))] + sign
