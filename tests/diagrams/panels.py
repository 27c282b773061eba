"""One panel of every kind."""

from __future__ import annotations

from atlas_cli.diagrams import frames
from atlas_cli.diagrams.sketch import Note, Shape, Sketch

PANELS: tuple[frames.Panel, ...] = (
    frames.Heatmap("h", ((0.0, 1.0), (2.0, 3.0)), 0, 3, "across", "down", ("a", "b"), ("c", "d")),
    frames.Curves(
        "c",
        (frames.Series("s", (1, 2, 3), (4, 5, 6), "dashed"), frames.Series("p", (1, 2), (5, 4), "points")),
        "x",
        marker=2,
    ),
    frames.Scatter("s", (frames.Group("g", ((0, 0), (1, 1))),), (-1, 1, -1, 1)),
    frames.Quiver("q", ((0, 0),), ((0.5, 0.5),), (-1, 1, -1, 1)),
    Sketch(
        "k",
        (
            Shape("around", [((0, 0), (1, 0), (1, 1))], "area"),
            Shape("along", [((0, 0), (1, 1))], "line", None),
            Shape("apart", [((0, 1), (1, 0))], "dashed", 2),
            Shape("there", [((0, 0), (0.5, 0.5), (1, 0))], "arrow", 1),
            Shape("places", [((0, 0), (1, 1))], "dots", 3),
            Shape("joined", [((0, 1),)], "nodes"),
            Shape("done", [((1, 0),)], "full nodes"),
        ),
        (-0.5, 1.5, -0.5, 1.5),
        (Note("7", 0, 1), Note("8", 1, 0, "left")),
        ratio=0.5,
        x_label="across",
        x_ticks=(("low", 0.0), ("high", 1.0)),
        ground=((0.0, 1.0), (0.5, 0.25)),
    ),
    frames.Bars("b", ("one", "two"), (0.25, 1.0), 1.0),
    frames.Images("i", (((0.0, 1.0), (1.0, 0.0)),), 1, ("a checker",)),
    frames.Tokens("t", (("the", 0.5, "1/2"), ("cat", 1.0, "1"))),
    frames.Words("w", ("one line",)),
)
