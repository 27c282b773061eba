"""How straight paths are."""

from __future__ import annotations

from typing import Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake


def inputs(draw: Draw) -> tuple[Any, ...]:
    """Two bundles of paths, each a list of where its images are after every step."""
    return ([[draw.normal(3, 1, 2, 2) for _ in range(4)] for _ in range(2)],)


def round_a_corner(detour: Function) -> tuple[Any, Any]:
    """One path goes 3 east and 4 north, the other straight: 7 / 5 = 1.4 and 1, on average 1.2."""
    import torch

    places = ([[0.0, 0.0], [0.0, 0.0]], [[3.0, 0.0], [1.0, 0.0]], [[3.0, 4.0], [2.0, 0.0]])
    return detour([[torch.tensor(place) for place in places]]), 1.2


EXERCISE = Exercise(
    topic="reflow",
    name="detour",
    title="the way, over the distance",
    task="""
        For every path, divide its length by the straight distance between its ends: 1 is straight. `path` is
        a list of where a bundle of B images is at the beginning and after each step, (B, C, H, W) each.
        Append the B quotients to `found`; the mean over all bundles is taken below.
        """,
    equation=r"\frac{\sum_k \| z_{k+1} - z_k \|}{\| z_K - z_0 \|}",
    hints=(
        "The length of a path is the sum of the lengths of its pieces. Stacked, the places of all times "
        "have the shape (steps + 1, B, C, H, W).",
        "`.diff(dim=0)` gives the pieces; `.flatten(2).norm(dim=2)` their lengths, (steps, B).",
        "Sum them over the steps, and divide by `(path[-1] - path[0]).flatten(1).norm(dim=1)`.",
    ),
    mistakes=(
        Mistake(
            "torch.stack(path).diff(dim=0)",
            "torch.stack(path)",
            "you added up the sizes of the places: a path's length is made of the steps between them",
        ),
        Mistake(
            "pieces.sum(0) / ",
            "pieces.mean(0) / ",
            "you took the mean step for the whole way: the pieces are summed",
        ),
        Mistake(
            "(path[-1] - path[0])",
            "path[-1]",
            "you divided by the size of the end: what counts is how far it is from the beginning",
        ),
    ),
    inputs=inputs,
    by_hand=(round_a_corner,),
    source="systems.flow.cfm",
    place=20,
)
