"""What the interactive view shows of a diagram: its knobs, its picture, its sentences and its code.

A stepped diagram and an explorable look alike from here: a step is a knob too. Pictures come from the
renderers of the terminal. Nothing here knows of Textual.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from rich.cells import cell_len
from rich.text import Text

from atlas_cli.catalog import Topic
from atlas_cli.diagrams.code import Source, locate
from atlas_cli.diagrams.frame_cache import frame_of
from atlas_cli.diagrams.frames import Explorable, Frame, Knob, Value, told
from atlas_cli.diagrams.grid.placed import TooNarrowError
from atlas_cli.diagrams.model import Diagram
from atlas_cli.diagrams.text import blocks as text_blocks
from atlas_cli.diagrams.text import panels as text_panels
from atlas_cli.diagrams.text.tiles import Ink
from atlas_cli.screen.lines import Lines, pairs, wrap
from atlas_cli.screen.terminal import TEXT_WIDTH

Setting = dict[str, Value]
_DRAWN_FOR = 76  # columns in which every diagram can be drawn
_FACT_GAP = 3
_PLAYED_S = 7.0  # a knob's way from end to end
_SHORTEST_S, _LONGEST_S = 0.09, 1.2  # of one value


class Look(NamedTuple):
    """What the terminal can show."""

    plain: bool = False  # ASCII alone
    colour: bool = True


class View(Protocol):
    """What the interactive view asks of a diagram."""

    title: str
    knobs: tuple[Knob, ...]
    setting: Setting  # shown first
    needs_frames: bool  # whether `compute` takes its time
    opens_code: bool  # whether the code stands beside the picture from the start, where there is room

    def compute(self, setting: Setting) -> Frame | None:
        """What is drawn for a setting, beside the interface."""

    def picture(self, setting: Setting, frame: Frame | None, width: int, look: Look) -> Lines:
        """The drawing."""

    def figures(self, frame: Frame | None, width: int) -> Lines:
        """Figures by name."""

    def said(self, setting: Setting, frame: Frame | None, width: int) -> Lines:
        """The caption and the question."""

    def tallest(self, width: int) -> int:
        """Lines of the longest caption with the question; 0: not known before."""

    def natural_width(self) -> int:
        """Columns that the picture wants before the code may stand beside it."""

    def focus_lines(self, setting: Setting, width: int) -> tuple[int, int] | None:
        """The first and the last line of the picture that ought to be seen."""

    def node_at(self, x: int, y: int, width: int) -> str | None:
        """The box at a column and line of the picture."""

    def step_of(self, node: str) -> int | None:
        """The step that first speaks of a box."""

    def sources(self, setting: Setting, node: str | None) -> list[tuple[str, Source]]:
        """The code of what is seen, or of one box, each piece under a title."""

    def pause_s(self, setting: Setting, knob: Knob) -> float:
        """Seconds until a playing knob moves on."""


class SteppedView:
    """A block diagram whose one knob is the step."""

    needs_frames = False
    opens_code = True

    def __init__(self, diagram: Diagram, topic: Topic, step: int | None = None) -> None:
        self.title, self._diagram, self._topic = diagram.title, diagram, topic
        numbers = tuple(range(1, len(diagram.steps) + 1))
        self.knobs: tuple[Knob, ...] = (Knob("step", "step", numbers, 1, "choice"),)
        self.setting: Setting = {"step": step or 1}

    def compute(self, setting: Setting) -> None:
        """Nothing: a step is drawn at once."""

    def picture(self, setting: Setting, frame: Frame | None, width: int, look: Look) -> Lines:
        """The blocks, with those of the step lit."""
        return text_blocks.picture(self._diagram, width, int(setting["step"]), Ink(look.plain, look.colour))

    def figures(self, frame: Frame | None, width: int) -> Lines:
        """None."""
        return []

    def said(self, setting: Setting, frame: Frame | None, width: int) -> Lines:
        """The sentence of the step, and the question that the diagram leaves open."""
        asked = [(Text("?", "atlas.mark"), Text(self._diagram.question, "italic"))]
        return [
            *text_blocks.caption(self._diagram, int(setting["step"]), width),
            *pairs(asked, min(width, TEXT_WIDTH), gap=2),
        ]

    def tallest(self, width: int) -> int:
        """Of all steps."""
        return max(len(self.said({"step": number}, None, width)) for number in self.knobs[0].values)

    def natural_width(self) -> int:
        """Of the picture where it has all the room it wants at 80 columns."""
        lines = text_blocks.picture(self._diagram, _DRAWN_FOR)
        return max(cell_len(line.plain.rstrip()) for line in lines)

    def focus_lines(self, setting: Setting, width: int) -> tuple[int, int] | None:
        """What is lit."""
        try:
            boxes = text_blocks.place(self._diagram, width).boxes
        except TooNarrowError:
            return None
        lit = [boxes[name] for name in self._diagram.steps[int(setting["step"]) - 1].nodes]
        return (min(b.y for b in lit), max(b.bottom for b in lit)) if lit else None

    def node_at(self, x: int, y: int, width: int) -> str | None:
        """The box under a point."""
        try:
            boxes = text_blocks.place(self._diagram, width).boxes
        except TooNarrowError:
            return None
        found = (name for name, b in boxes.items() if b.x <= x <= b.right and b.y <= y <= b.bottom)
        return next(found, None)

    def step_of(self, node: str) -> int | None:
        """The step that first speaks of a box."""
        return self._diagram.step_of(node)

    def sources(self, setting: Setting, node: str | None) -> list[tuple[str, Source]]:
        """Of one box, or of all boxes of the step, each function once."""
        lit = self._diagram.steps[int(setting["step"]) - 1].nodes
        nodes = [
            n for n in self._diagram.nodes.values() if n.code and (n.id == node if node else n.id in lit)
        ]
        labels: dict[str, list[str]] = {}
        for each in nodes:
            labels.setdefault(each.code, []).append(each.label)
        return [(", ".join(names), locate(self._topic, code)) for code, names in labels.items()]

    def pause_s(self, setting: Setting, knob: Knob) -> float:
        """Time to see what is lit and to read its sentence."""
        return 1.4 + 0.028 * len(self._diagram.steps[int(setting["step"]) - 1].say)


class TurnedView:
    """An explorable with its knobs."""

    needs_frames = True
    opens_code = False

    def __init__(self, shown: Explorable, topic: Topic, setting: Setting | None = None) -> None:
        self.title, self.knobs, self._shown, self._topic = shown.title, shown.knobs, shown, topic
        self.setting: Setting = {**shown.defaults, **(setting or {})}

    def compute(self, setting: Setting) -> Frame:
        """The frame, from disk where it was computed before."""
        return frame_of(self._shown, setting)

    def picture(self, setting: Setting, frame: Frame | None, width: int, look: Look) -> Lines:
        """The panels."""
        return text_panels.panels(frame, width, look.plain, look.colour, True)[:-1] if frame else []

    def figures(self, frame: Frame | None, width: int) -> Lines:
        """One after the other, as many to a line as fit."""
        lines: Lines = []
        for name, value in (frame.facts if frame else {}).items():
            fact = Text.assemble((f"{name} ", "atlas.muted"), told(value))
            if lines and cell_len(lines[-1].plain) + _FACT_GAP + cell_len(fact.plain) <= width:
                lines[-1].append(" " * _FACT_GAP).append_text(fact)
            else:
                lines += wrap(fact, width)
        return lines

    def said(self, setting: Setting, frame: Frame | None, width: int) -> Lines:
        """What to look for, and the question that the knobs answer."""
        caption = wrap(Text(frame.caption), min(width, TEXT_WIDTH)) if frame else []
        asked = [(Text("?", "atlas.mark"), Text(self._shown.question, "italic"))]
        return [*caption, *pairs(asked, min(width, TEXT_WIDTH))]

    def tallest(self, width: int) -> int:
        """Not known before every frame is."""
        return 0

    def natural_width(self) -> int:
        """What two panels side by side take."""
        return _DRAWN_FOR

    def focus_lines(self, setting: Setting, width: int) -> tuple[int, int] | None:
        """The reader's choice."""
        return None

    def node_at(self, x: int, y: int, width: int) -> str | None:
        """No boxes here."""
        return None

    def step_of(self, node: str) -> int | None:
        """No boxes here."""
        return None

    def sources(self, setting: Setting, node: str | None) -> list[tuple[str, Source]]:
        """The function that computes the frame."""
        of_run = self._shown.run or self._shown.packed
        function = self._shown.from_run if of_run else self._shown.compute
        name = getattr(function, "__qualname__", "")
        module = getattr(function, "__module__", "").removeprefix("atlas_cli.")
        return [("what computes this frame", locate(self._topic, f"{module}:{name}"))]

    def pause_s(self, setting: Setting, knob: Knob) -> float:
        """A fixed time for the whole way, so that a fine knob moves smoothly."""
        return min(max(_PLAYED_S / max(1, len(knob.values) - 1), _SHORTEST_S), _LONGEST_S)


def view_of(
    shown: Diagram | Explorable, topic: Topic, setting: Setting | None = None, step: int | None = None
) -> View:
    """The view of a diagram, opened at a setting or at a step."""
    if isinstance(shown, Diagram):
        return SteppedView(shown, topic, step)
    return TurnedView(shown, topic, setting)
