"""The showing part of the interactive view: figures, picture, code beside it or in its place, sentences."""

from __future__ import annotations

from dataclasses import dataclass, field

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from atlas_cli.diagrams.app.light import parts_of
from atlas_cli.diagrams.app.views import Look, Setting, View
from atlas_cli.diagrams.app.widgets import Pane, joined
from atlas_cli.diagrams.frames import Frame
from atlas_cli.diagrams.text.listing import listing
from atlas_cli.diagrams.text.parts import Part, lit, parts_in, shared
from atlas_cli.errors import AtlasError
from atlas_cli.screen.lines import Lines, wrap

_CODE_COLUMNS = 52  # the least in which code stands beside a picture
_SPARE = 5  # columns of a picture's pane that are not picture
_SHARE = 0.55  # of the screen, for the panels of an explorable beside its code
_MARGIN = 2  # columns at either side


@dataclass
class Seen:
    """What is shown.

    Attributes:
        setting: Where the knobs stand.
        frame: What was computed last; None before the first, and for steps, which need none.
        error: Why there is no frame.
        node: The box whose code was asked for.
        pointed: The part that is pointed at, by the mouse or by keys.
    """

    setting: Setting = field(default_factory=dict)
    frame: Frame | None = None
    error: AtlasError | None = None
    node: str | None = None
    pointed: Part | None = None


class Stage(Vertical):
    """Draws what is seen, laid out anew at every size.

    Args:
        view: The diagram.
        look: What the terminal can show.
        seen: What is shown; drawn anew at each `show`.
    """

    def __init__(self, view: View, look: Look, seen: Seen) -> None:
        super().__init__()
        self._view, self._look, self._seen = view, look, seen
        self._wants_code: bool | None = None  # None: as there is room
        self._said_height = (0, 0)  # of which width, how many lines
        self._drawn: tuple[Frame, int, Lines] | None = None  # without any light
        self._figures, self._said = Static(id="figures"), Static(id="said")
        self.picture = Pane(self._draw_picture, "picture", can_focus=False)
        self.code = Pane(self._draw_code, "code", can_focus=True)

    def compose(self) -> ComposeResult:
        """Figures above, sentences below, between them what is explained."""
        if self._view.needs_frames:
            yield self._figures
        with Horizontal(id="body"):
            yield self.picture
            yield Static(id="seam")
            yield self.code
        yield self._said

    def on_resize(self, event: events.Resize) -> None:
        """Lay out anew."""
        self._arrange(event.size.width)
        self.call_after_refresh(self.show)

    @property
    def coded(self) -> bool:
        """Whether code is shown."""
        return self.has_class("-coded")

    @property
    def reading(self) -> Pane:
        """What scrolls."""
        return self.code if self.code.has_focus or not self.picture.display else self.picture

    def toggle_code(self) -> None:
        """Show or hide the code."""
        self._wants_code = not self.coded
        self._arrange(self.size.width)
        self.call_after_refresh(self.show)

    def show(self) -> None:
        """Draw everything anew."""
        seen, width = self._seen, max(20, self.size.width - 2 * _MARGIN)
        self.picture.redraw()
        self.code.redraw()
        self._figures.update(joined(self._view.figures(seen.frame, width)))
        said = self._view.said(seen.setting, seen.frame, width)
        before = self._said_height[1] if self._said_height[0] == width else self._view.tallest(width)
        self._said_height = width, max(before, len(said))  # as tall as the tallest so far: nothing jumps
        self._said.update(joined([*said, *[Text()] * (self._said_height[1] - len(said))]))
        if self.picture.columns:
            lines = self._view.focus_lines(seen.setting, self.picture.columns)
            self.call_after_refresh(self.picture.show_lines, lines)

    @property
    def parts(self) -> list[Part]:
        """Those of the picture that light others."""
        frame = self._seen.frame
        if frame is None or not self.picture.columns:
            return []
        return parts_of(self._dark(frame, self.picture.columns), shared(frame))

    def light(self, part: Part | None, seen: bool = False) -> None:
        """Light what belongs to a part, and bring that into sight where it is wanted."""
        self._seen.pointed = part
        self.picture.redraw()
        if part is None or not seen or self._drawn is None:
            return
        lines = [line for line, *_, other in parts_in(self._drawn[2]) if other == part]
        if lines and not self.picture.shows(lines[0]):
            self.picture.show_lines((lines[0], lines[0]))

    def _arrange(self, width: int) -> None:
        """Code beside the picture, in its place, or not at all."""
        natural = self._view.natural_width() + _SPARE
        roomy = width - natural >= _CODE_COLUMNS
        coded = (roomy and self._view.opens_code) if self._wants_code is None else self._wants_code
        self.set_class(coded, "-coded")
        self.set_class(not roomy, "-narrow")
        share = round(width * _SHARE) if self._view.needs_frames else 0
        self.picture.styles.width = max(natural, share) if coded and roomy else "1fr"

    def _draw_picture(self, width: int) -> Lines:
        seen = self._seen
        if seen.error is not None:
            hint = wrap(Text(seen.error.hint, "atlas.good"), width)
            return [*wrap(Text(seen.error.what, "atlas.bad"), width), *hint]
        if seen.frame is None and self._view.needs_frames:
            return [Text("computing the first frame …", "atlas.muted")]
        if seen.frame is None:
            return self._view.picture(seen.setting, None, width, self._look)
        lines = self._dark(seen.frame, width)
        return lines if seen.pointed is None else lit(lines, seen.pointed, shared(seen.frame))

    def _dark(self, frame: Frame, width: int) -> Lines:
        """The panels as they are drawn before a part is pointed at: light moves often, and they do not."""
        if self._drawn is None or self._drawn[0] is not frame or self._drawn[1] != width:
            self._drawn = frame, width, self._view.picture(self._seen.setting, frame, width, self._look)
        return self._drawn[2]

    def _draw_code(self, width: int) -> Lines:
        try:
            sources = self._view.sources(self._seen.setting, self._seen.node)
        except AtlasError as error:
            return wrap(Text(error.what, "atlas.muted"), width)
        lines: Lines = []
        for title, source in sources:
            lines += [Text()] if lines else []
            lines += [*wrap(Text(title, "bold"), width), *listing(source, width)]
        return lines or [Text("no code of its own", "atlas.muted")]
