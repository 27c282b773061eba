"""A knob that turns by itself, value after value to its end."""

from __future__ import annotations

from collections.abc import Callable

from textual.timer import Timer
from textual.widget import Widget

from atlas_cli.diagrams.app.widgets import KnobRow, PlayButton


class Player:
    """Turns one knob until it is at its end or is stopped.

    Args:
        button: Says whether it plays; its timers are the player's.
        pause_s: Seconds until a knob moves on.
        ready: Whether the picture has kept up; if not, the knob waits, so that no frame is left out.
    """

    def __init__(
        self, button: PlayButton, pause_s: Callable[[KnobRow], float], ready: Callable[[], bool]
    ) -> None:
        self._button, self._pause_s, self._ready = button, pause_s, ready
        self._timer: Timer | None = None

    @property
    def playing(self) -> bool:
        """Whether it turns a knob."""
        return self._timer is not None

    def play(self, row: KnobRow) -> None:
        """Turn a knob from where it stands, or from its start if it stands at its end."""
        if row.place == row.last:
            row.turn_to(0)
        self._wait(row)

    def stop(self) -> None:
        """Leave the knob where it is."""
        if self._timer is not None:
            self._timer.stop()
        self._timer = None
        self._button.playing = False

    def _wait(self, row: KnobRow) -> None:
        clock: Widget = self._button
        self._timer = clock.set_timer(self._pause_s(row), lambda: self._advance(row))
        self._button.playing = True

    def _advance(self, row: KnobRow) -> None:
        if self._timer is None:
            return
        if self._ready():
            row.turn_to(row.place + 1)
        if row.place < row.last:
            self._wait(row)
        else:
            self.stop()
