"""Explorables that never change, with every kind of knob and most kinds of panel."""

from __future__ import annotations

import math
from threading import Event

from atlas_cli.diagrams import frames

LAST = 6
_XS = tuple(i / 8 for i in range(51))


def _wave(step: int, shape: str) -> frames.Frame:
    power = {"sine": 1, "cube": 3, "fifth power": 5}[shape]
    ys = tuple(math.sin(x + step / 2) ** power for x in _XS)
    circle = tuple((math.cos(k / 3 + step / 2), math.sin(k / 3 + step / 2)) for k in range(9))
    return frames.Frame(
        (
            (
                frames.Curves("The wave", (frames.Series(shape, _XS, ys),), "x", "y", marker=step / 2),
                frames.Scatter(
                    "Where it comes from", (frames.Group("walk", circle),), (-1.2, 1.2, -1.2, 1.2)
                ),
            ),
            (frames.Bars("Heights", ("least", "largest"), (1 + min(ys), 1 + max(ys)), 2),),
        ),
        "A point walks round a circle and its height is the wave. What does a higher power do to the time "
        "that the wave spends near nought?",
        {"height now": ys[0], "mean": sum(ys) / len(ys), "shape": shape},
    )


WAVE = frames.Explorable(
    "wave", "ssm", ("mamba",), "A wave from a walk", "Which power makes the wave stand still longest?",
    (
        frames.Knob("step", "step", tuple(range(13)), 0, "play"),
        frames.Knob("shape", "shape", ("sine", "cube", "fifth power"), "sine", "choice"),
    ),
    _wave,
)  # fmt: skip


def _glyph(size: int, contrast: float) -> frames.Frame:
    image = tuple(tuple(contrast * float(abs(x - y) < 2) for x in range(size)) for y in range(size))
    words = tuple(
        (word, contrast / (i + 1), f"{contrast / (i + 1):.2f}")
        for i, word in enumerate(("one", "two", "three"))
    )
    return frames.Frame(
        (
            (
                frames.Images("The glyph", (image, image), 2, ("left", "right")),
                frames.Heatmap("The same", image, 0, 1, "x", "y"),
            ),
            (
                frames.Tokens("What it says", words),
                frames.Words("In words", ("a stroke", "from corner to corner")),
            ),
        ),
        "A stroke on a grid. How small may the grid be before the stroke is a blot?",
        {"pixels": size * size},
    )


GLYPH = frames.Explorable(
    "glyph", "diffusion", ("ddpm",), "A glyph on a grid",
    "How many pixels does a stroke need, and does contrast help where there are too few of them?",
    (
        frames.Knob("size", "pixels a side", tuple(range(4, 17)), 12, "slider", "px"),
        frames.Knob(
            "contrast", "contrast, from faint to full", tuple(i / 10 for i in range(1, 11)), 0.5, "slider"
        ),
    ),
    _glyph,
)  # fmt: skip


class Watched:
    """A cheap explorable that remembers which of its settings were computed, and waits if it is told to."""

    def __init__(self) -> None:
        self.computed: list[int] = []
        self.may_end = Event()
        self.may_end.set()
        knobs = (
            frames.Knob("gate", "gate", tuple(range(LAST + 1)), 2, "slider"),
            frames.Knob("way", "way", ("up", "down", "left"), "up", "choice"),
        )
        self.shown = frames.Explorable(
            "watched", "ssm", ("mamba",), "Watched", "Which way?", knobs, self._frame
        )

    def _frame(self, gate: int, way: str) -> frames.Frame:
        self.computed.append(gate)
        assert self.may_end.wait(30)
        line = frames.Series("line", (0, 1), (0, gate))
        return frames.Frame(
            ((frames.Curves("Line", (line,)),),), f"It goes {way} by {gate}.", {"gate": gate, "way": way}
        )
