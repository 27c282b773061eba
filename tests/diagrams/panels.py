"""One panel of every kind."""

from __future__ import annotations

from atlas_cli.diagrams import frames

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
    frames.Bars("b", ("one", "two"), (0.25, 1.0), 1.0),
    frames.Images("i", (((0.0, 1.0), (1.0, 0.0)),), 1, ("a checker",)),
    frames.Tokens("t", (("the", 0.5, "1/2"), ("cat", 1.0, "1"))),
    frames.Words("w", ("one line",)),
)
