"""Widgets of the interactive view: a knob, the play button, a pane that scrolls, the help."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Static

from atlas_cli.diagrams.app import rows
from atlas_cli.diagrams.frames import Drag, Knob
from atlas_cli.diagrams.text.parts import PART, Part
from atlas_cli.diagrams.text.plots import HAND
from atlas_cli.screen.lines import Lines, pairs


def joined(lines: Lines) -> Text:
    """Lines as one text that is never wrapped again."""
    text = Text("\n").join(lines)
    text.no_wrap = True
    return text


class KnobRow(Widget, can_focus=True):
    """A knob that keys, the wheel, a click and a drag turn."""

    place = reactive(0, layout=True)

    class Turned(Message):
        """The reader turned it to another value."""

        def __init__(self, knob: Knob, place: int) -> None:
            super().__init__()
            self.knob, self.place = knob, place

    class Touched(Message):
        """A hand is on it."""

    def __init__(self, knob: Knob, place: int, columns: rows.Columns, plain: bool) -> None:
        super().__init__()
        self.knob, self._columns, self._plain = knob, columns, plain
        self.set_reactive(KnobRow.place, place)

    def render(self) -> Text:
        """The row as wide as there is room."""
        return joined(self._row(self.size.width).lines)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """More than a line where names do not fit on one."""
        return len(self._row(width).lines)

    @property
    def last(self) -> int:
        """Number of its last value."""
        return len(self.knob.values) - 1

    def turn_to(self, place: int) -> None:
        """Turn it and say so, if that is another value that it has."""
        place = min(max(place, 0), self.last)
        if place != self.place:
            self.place = place
            self.post_message(self.Turned(self.knob, place))

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Take hold of it, and turn it to where the mouse is."""
        self.focus()
        self.post_message(self.Touched())
        place = self._row(self.size.width).place_at(event.x, event.y)
        if place is not None:
            self.turn_to(place)
            self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Drag, if it was taken hold of."""
        if self.app.mouse_captured is self:
            self.turn_to(self._row(self.size.width).nearest(event.x, event.y))

    def on_mouse_up(self) -> None:
        """Let go."""
        self.release_mouse()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """One value on."""
        event.stop()
        self.post_message(self.Touched())
        self.turn_to(self.place + 1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """One value back."""
        event.stop()
        self.post_message(self.Touched())
        self.turn_to(self.place - 1)

    def _row(self, width: int) -> rows.Row:
        return rows.row(self.knob, self.place, width, self._columns, self.has_focus, self._plain)


class PlayButton(Static):
    """Says whether a knob turns by itself, and lets a click start or stop it."""

    playing = reactive(False)

    def render(self) -> Text:
        """The sign of what a click would do, in a word too."""
        return Text(
            "❚❚ pause" if self.playing else "▶ play", "atlas.mark" if self.playing else "atlas.accent"
        )

    async def on_click(self) -> None:
        """Start or stop."""
        await self.run_action("app.play")


class Pane(VerticalScroll, inherit_bindings=False):
    """A part of the screen that scrolls; its lower edge says how much lies above and below.

    Args:
        draw: Draws what it holds, for so many columns; called at every new size.
    """

    # Left and right turn the knob here too: who reads the code steps on without leaving it.
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "scroll_up", show=False),
        Binding("down", "scroll_down", show=False),
    ]

    class Seized(Message):
        """A hand is on a panel; `hand` is what the character under it knows of the panel's knobs."""

        def __init__(self, hand: tuple[tuple[Drag, float, bool], ...]) -> None:
            super().__init__()
            self.hand = hand

    class Pointed(Message):
        """The reader clicked at a column and line of what it holds."""

        def __init__(self, pane: Pane, x: int, y: int) -> None:
            super().__init__()
            self.pane, self.x, self.y = pane, x, y

    class Hovered(Message):
        """The mouse is on a part of a panel, or on none."""

        def __init__(self, part: Part | None) -> None:
            super().__init__()
            self.part = part

    def __init__(self, draw: Callable[[int], Lines], id: str, can_focus: bool) -> None:
        self._content = Static()
        super().__init__(self._content, id=id, can_focus=can_focus)
        self._draw = draw
        self._under: Part | None = None  # the mouse

    @property
    def columns(self) -> int:
        """Room for what it holds."""
        return self.content_size.width

    def redraw(self) -> None:
        """Draw what it holds anew."""
        if self.columns:
            self._content.update(joined(self._draw(self.columns)))
            self.call_after_refresh(self.tell_hidden)

    def shows(self, line: int) -> bool:
        """Whether a line of what it holds is in sight."""
        return 0 <= line - round(self.scroll_y) < self.content_size.height

    def show_lines(self, lines: tuple[int, int] | None) -> None:
        """Scroll so that lines are in the middle, or their first at the top where they are too many."""
        if lines is not None:
            (first, last), height = lines, self.content_size.height
            middle = (first + last) // 2 - height // 2
            self.scroll_to(y=max(0, middle if last - first < height else first), animate=False, force=True)

    def on_resize(self) -> None:
        """Draw for the new width."""
        self.redraw()

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Take hold of a panel."""
        if self._seize(event):
            self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Drag, if one was taken hold of; else tell what the mouse is on."""
        if self.app.mouse_captured is self:
            self._seize(event)
        else:
            self._hover(self.screen.get_style_at(event.screen_x, event.screen_y).meta.get(PART))

    def on_leave(self) -> None:
        """The mouse is on nothing, unless it only went to a part of this pane."""
        if not self.region.contains(*self.app.mouse_position):
            self._hover(None)

    def _hover(self, part: Part | None) -> None:
        if part != self._under:
            self._under = part
            self.post_message(self.Hovered(part))

    def on_mouse_up(self) -> None:
        """Let go."""
        self.release_mouse()

    def _seize(self, event: events.MouseEvent) -> bool:
        """Whether a panel with knobs of its own is under the mouse."""
        hand = self.screen.get_style_at(event.screen_x, event.screen_y).meta.get(HAND)
        if hand:
            self.post_message(self.Seized(hand))
        return bool(hand)

    def on_click(self, event: events.Click) -> None:
        """Tell where on the content, wherever that was scrolled to."""
        at = event.get_content_offset(self)
        if at is not None:
            self.post_message(self.Pointed(self, at.x, at.y + round(self.scroll_y)))

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Scroll, and say how much is hidden now."""
        super().watch_scroll_y(old_value, new_value)
        self.tell_hidden()

    def tell_hidden(self) -> None:
        """On the lower edge: lines above and below what is seen."""
        above, below = round(self.scroll_y), round(self.max_scroll_y - self.scroll_y)
        hidden = [f"{sign} {count}" for sign, count in (("▲", above), ("▼", below)) if count > 0]
        self.border_subtitle = f"{' '.join(hidden)} more: PgUp PgDn" if hidden else ""


class Help(ModalScreen[None]):
    """What keys and mouse do."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q,enter,space", "dismiss", "close", show=False)
    ]
    _STEPS = (
        ("← →", "the step before, the next one"),
        ("Home End", "the first step, the last one"),
        ("1 … 9", "that step"),
        ("↑ ↓", "scroll the picture, or the code"),
    )
    _KNOBS = (
        ("← →", "turn the knob that is marked"),
        ("↑ ↓, Tab", "mark another knob"),
        ("Home End", "its first value, its last one"),
        ("mouse", "seize the line, or the point, of a plot that a knob moves"),
        ("1 … 9", "the name of that number, where it has names"),
        ("l", "light a part and what belongs to it elsewhere; once more: none"),
        ("Shift ←↑↓→", "walk from part to part; the mouse lights what it is on"),
    )
    _ALWAYS = (
        ("Space", "play; once more: pause"),
        ("c", "show or hide the code"),
        ("Tab", "to the code and back, where it is shown"),
        ("PgUp PgDn", "scroll by a screenful"),
        ("r", "back to the start"),
        ("q, Esc", "leave"),
    )
    _MOUSE: ClassVar[dict[bool, str]] = {
        True: "click a step, a box for its code, or a word in the last line; the wheel scrolls",
        False: "click or drag a knob, turn it with the wheel, or click a word in the last line",
    }

    def __init__(self, stepped: bool) -> None:
        super().__init__()
        self._stepped = stepped

    def compose(self) -> ComposeResult:
        """One box in the middle."""
        keys = (*(self._STEPS if self._stepped else self._KNOBS), *self._ALWAYS)
        rows = [(Text(key, "atlas.accent"), Text(what)) for key, what in keys]
        rows.append((Text("Mouse", "atlas.accent"), Text(self._MOUSE[self._stepped])))
        legend = [Text(), *self._legend()] if self._stepped else []
        box = Static(joined([*pairs(rows, 56), *legend]), id="help")
        box.border_title = "Keys and mouse"
        box.border_subtitle = "any of ? q Esc closes this"
        yield box

    def on_click(self) -> None:
        """A click closes it."""
        self.dismiss()

    @staticmethod
    def _legend() -> Lines:
        rows = [
            (Text("╭─╮", "atlas.muted"), Text("a tensor; its shape stands in it")),
            (Text("┌─┐", "atlas.accent"), Text("a computation")),
            (Text("╔═╗", "atlas.mark"), Text("what the step is about; the number is its first step")),
            (Text("╌╌▶", "atlas.keyword"), Text("a gradient")),
        ]
        return pairs(rows, 56)
