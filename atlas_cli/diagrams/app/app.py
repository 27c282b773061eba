"""The interactive view of a diagram in a terminal: steps and knobs by keys and mouse, with the code beside.

The picture, the sentences and the code are lines that the renderers of the terminal draw; here is what turns
them, and what happens when. Frames are computed beside the interface.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, ClassVar

from rich.theme import Theme
from textual import on
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.filter import LineFilter
from textual.message import Message
from textual.widgets import Footer, Static

from atlas_cli.diagrams.app.filters import Ascii, Colourless
from atlas_cli.diagrams.app.latest import Latest
from atlas_cli.diagrams.app.light import at_place, walked
from atlas_cli.diagrams.app.player import Player
from atlas_cli.diagrams.app.rows import columns_of
from atlas_cli.diagrams.app.stage import Seen, Stage
from atlas_cli.diagrams.app.views import Look, Setting, View
from atlas_cli.diagrams.app.widgets import Help, KnobRow, Pane, PlayButton
from atlas_cli.diagrams.text.parts import Part
from atlas_cli.errors import AtlasError
from atlas_cli.screen.terminal import PALETTE

_SLOW_S = 0.2  # a frame that takes longer is said to be computed
_HEIGHTS = [(0, "-short"), (36, "-tall")]  # lines, and the class that the style sheet knows them by
_LAST_WORD_S = 5.0  # for a frame that is broken off, once the reader has left


class DiagramApp(App[None]):
    """A diagram to turn.

    Args:
        view: What it shows.
        look: What the terminal can show.
    """

    CSS_PATH = "app.tcss"
    ENABLE_COMMAND_PALETTE = False
    ALLOW_SELECT = False
    VERTICAL_BREAKPOINTS = _HEIGHTS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "turn(-1)", show=False),
        Binding("right", "turn(1)", "turn", key_display="←→"),
        Binding("up", "choose(-1)", show=False),
        Binding("down", "choose(1)", "knob", key_display="↑↓"),
        Binding("up", "scroll(-2)", show=False),  # where there is no other knob to choose
        Binding("down", "scroll(2)", show=False),
        Binding("home", "end(0)", show=False),
        Binding("end", "end(-1)", show=False),
        *(Binding(str(digit), f"pick({digit})", show=False) for digit in range(1, 10)),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("shift+left", "walk(-1, 0)", show=False),
        Binding("shift+right", "walk(1, 0)", show=False),
        Binding("shift+up", "walk(0, -1)", show=False),
        Binding("shift+down", "walk(0, 1)", show=False),
        Binding("l", "light", "light"),
        Binding("space", "play", "play", key_display="space"),
        Binding("c", "code", "code"),
        Binding("r", "reset", "reset"),
        Binding("question_mark", "help", "help", key_display="?"),
        Binding("q,escape", "quit", "quit", key_display="q"),
        Binding("ctrl+c", "interrupt", show=False, priority=True),
    ]

    class Computed(Message):
        """A frame, or the exception that came instead."""

        def __init__(self, setting: Setting, result: Any) -> None:
            super().__init__()
            self.setting, self.result = setting, result

    def __init__(self, view: View, look: Look) -> None:
        super().__init__(ansi_color=True)
        self.console.push_theme(Theme(PALETTE))
        self.theme = "ansi-dark"  # the terminal's own colours, light or dark; app.tcss names the others
        self.view, self.look = view, look
        self.seen = Seen(dict(view.setting))
        self.fault: BaseException | None = None  # what ended it, if anything but the reader's wish
        self._lightable = False  # whether parts of the picture belong together
        self.computing = view.needs_frames  # whether what is shown is not yet what the knobs say
        self._frames: Latest[Setting] = Latest(view.compute, self._tell)
        self._status, self._button = Static(id="status"), PlayButton()
        self._player = Player(self._button, self._pause_s, lambda: not self.computing)
        self._stage = Stage(view, look, self.seen)
        columns = columns_of(view.knobs)
        self._rows = [
            KnobRow(knob, knob.values.index(self.seen.setting[knob.name]), columns, look.plain)
            for knob in view.knobs
        ]

    def compose(self) -> ComposeResult:
        """Title, knobs, what they show, keys."""
        with Horizontal(id="top"):
            yield Static(self.view.title, id="title", markup=False)
            yield self._status
            yield self._button
        with Vertical(id="knobs"):
            yield from self._rows
        yield self._stage
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        """Mark the knob that plays, or the first one, and ask for the first frame."""
        with suppress(NotImplementedError, RuntimeError, ValueError):  # Windows; not in the main thread
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self._leave, SystemExit(143))
        next((row for row in self._rows if row.knob.kind == "play"), self._rows[0]).focus()
        self.call_after_refresh(self._changed)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """ASCII where the terminal has no more, and no colour where none is wanted."""
        filters = [*super().get_line_filters()]
        filters += [] if self.look.colour else [Colourless()]
        return [*filters, *([Ascii()] if self.look.plain else [])]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what there is: one knob needs no choosing, and not every picture has parts to light."""
        if action == "light":
            return self._lightable
        return action != "choose" or len(self._rows) > 1

    # --- from a knob to a picture ---------------------------------------------------------------------

    @on(KnobRow.Turned)
    def turned(self, event: KnobRow.Turned) -> None:
        """By a hand or by the player."""
        self.seen.setting[event.knob.name] = event.knob.values[event.place]
        self.seen.node = None
        self._changed()

    @on(KnobRow.Touched)
    def touched(self) -> None:
        """Who touches a knob takes over from the player."""
        self._player.stop()

    def _changed(self) -> None:
        if not self.view.needs_frames:
            self._stage.show()
            return
        self.computing = True
        self.set_timer(_SLOW_S, self._say_slow)
        self._frames.ask(dict(self.seen.setting))

    def _say_slow(self) -> None:
        if self.computing:
            self._status.update("computing …")

    def _say(self) -> None:
        """What is pointed at."""
        self._status.update(self.seen.pointed.says if self.seen.pointed else "")

    def _light(self, part: Part | None, seen: bool = False) -> None:
        self._stage.light(part, seen)
        self._say()

    @on(Pane.Hovered)
    def hovered(self, event: Pane.Hovered) -> None:
        """The mouse lights what belongs to the part that it is on."""
        self._light(event.part)

    def action_walk(self, across: int, down: int) -> None:
        """Light the next part."""
        self._light(walked(self._stage.parts, self.seen.pointed, across, down), seen=True)

    def action_light(self) -> None:
        """Light the first part, or none."""
        self._light(None if self.seen.pointed else walked(self._stage.parts, None, 0, 0), seen=True)

    def _tell(self, setting: Setting, result: Any) -> None:
        """Called in the thread that computes."""
        self.post_message(self.Computed(setting, result))

    @on(Computed)
    def computed(self, event: Computed) -> None:
        """Show a frame; a newer one may be under way."""
        result = event.result
        if isinstance(result, Exception) and not isinstance(result, AtlasError):
            raise result
        self.seen.error = result if isinstance(result, AtlasError) else None
        self.seen.frame = None if isinstance(result, Exception) else result
        if event.setting == self.seen.setting:
            self.computing = False
        parts = self._stage.parts
        self.seen.pointed = at_place(parts, self.seen.pointed)
        self._stage.show()
        self._say()
        if self._lightable != bool(parts):
            self._lightable = bool(parts)
            self.refresh_bindings()

    # --- what keys and mouse do -----------------------------------------------------------------------

    @property
    def _row(self) -> KnobRow:
        """The knob that is marked, or the first one."""
        return self.focused if isinstance(self.focused, KnobRow) else self._rows[0]

    def _turn(self, row: KnobRow, place: int) -> None:
        self._player.stop()
        row.turn_to(place)

    def action_turn(self, by: int) -> None:
        """One value on or back."""
        self._turn(self._row, self._row.place + by)

    def action_end(self, place: int) -> None:
        """To the first value, or the last one."""
        self._turn(self._row, place % len(self._row.knob.values))

    def action_pick(self, number: int) -> None:
        """To the step, or the name, of that number."""
        if self._row.knob.kind == "choice" and number <= len(self._row.knob.values):
            self._turn(self._row, number - 1)

    def action_choose(self, by: int) -> None:
        """Mark another knob."""
        self._rows[(self._rows.index(self._row) + by) % len(self._rows)].focus()

    def action_scroll(self, lines: int) -> None:
        """Scroll what is to be read."""
        self._stage.reading.scroll_relative(y=lines, animate=False)

    def action_page(self, by: int) -> None:
        """Scroll by a screenful, less a few lines to find the place again."""
        self.action_scroll(by * max(1, self._stage.reading.size.height - 3))

    def action_reset(self) -> None:
        """Every knob back to its default."""
        for row in self._rows:
            self._turn(row, row.knob.values.index(row.knob.default))

    def action_play(self) -> None:
        """Let the marked knob turn by itself, or stop it."""
        if self._player.playing:
            self._player.stop()
        else:
            self._player.play(self._row)

    def _pause_s(self, row: KnobRow) -> float:
        return self.view.pause_s(self.seen.setting, row.knob)

    def action_code(self) -> None:
        """Show or hide the code."""
        self._stage.toggle_code()
        if not self._stage.coded and self._stage.code.has_focus:
            self._row.focus()

    @on(Pane.Seized)
    def seized(self, event: Pane.Seized) -> None:
        """A hand on a panel turns the knobs that the panel names."""
        for drag, place, log in event.hand:
            row = next(row for row in self._rows if row.knob.name == drag.knob)
            self._turn(row, drag.nearest(row.knob.values, place, log))

    @on(Pane.Pointed)
    def pointed(self, event: Pane.Pointed) -> None:
        """A click on a box: its step, and its code."""
        node = self.view.node_at(event.x, event.y, self._stage.picture.columns)
        if event.pane is not self._stage.picture or node is None:
            return
        self._player.stop()
        step = self.view.step_of(node)
        if step is not None:
            self._rows[0].place = step - 1
            self.seen.setting["step"] = step
        self.seen.node = node
        self._stage.show()

    def action_help(self) -> None:
        """What keys and mouse do."""
        self._player.stop()
        self.push_screen(Help(stepped=not self.view.needs_frames))

    # --- leaving --------------------------------------------------------------------------------------

    def action_interrupt(self) -> None:
        """Ctrl-C leaves as it leaves any other command."""
        self._leave(KeyboardInterrupt())

    def _leave(self, why: BaseException) -> None:
        self.fault = self.fault or why
        self.exit()

    def on_unmount(self) -> None:
        """Compute nothing more."""
        self._frames.close()

    def _handle_exception(self, error: Exception) -> None:
        """Leave without textual's traceback: the command says in two lines what happened."""
        self.fault = self.fault or error
        if self.is_headless:
            super()._handle_exception(error)
        else:
            self.panic()

    def to_the_end(self) -> Setting:
        """Run, and give the setting at which it was left.

        Raises:
            KeyboardInterrupt: Ctrl-C.
            SystemExit: SIGTERM.
            Exception: a fault; the terminal is as it was.
        """
        self.run()
        self._frames.abandon(_LAST_WORD_S)
        if self.fault is not None:
            raise self.fault
        return self.seen.setting
