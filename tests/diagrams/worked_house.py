"""A small diagram with a worked example and with a stack, for the tests of each renderer."""

from __future__ import annotations

from atlas_cli.diagrams.model import Diagram, Edge, Node, Step
from atlas_cli.diagrams.worked import Picture, Tile, Worked

STRIP = Tile("signed", ((0.0, 0.5, 1.0), (0.5, 0.5, 0.5), (1.0, 0.5, 0.0), (0.5, 0.5, 0.5)), over="a·b")
IMAGE = Tile("grey", tuple(tuple(float(x == y) for x in range(28)) for y in range(28)), "digit")
BARS = Tile("bars", ((0.0, 0.5, 1.0),), "Δ")
BOARD = Tile("amount", ((0.0, 1.0), (1.0, 0.0)), clouds=(("real", ((0.5, 0.5),)), ("made", ((1.5, 1.5),))))
LOSS = Tile("words", (), "0.52")
OF = {"recipe": "gpt/small", "seed": 1, "date": "2026-11-30"}


def small(worked: Worked | None = None, stack: tuple[tuple[str, ...], ...] = ()) -> Diagram:
    """Three boxes, one below the other, in two steps; the second is of the second layer."""
    nodes = {
        "a": Node("a", "vectors", "(L, D)", "", "data", 0, 0),
        "b": Node("b", "mix", "(L, D)", "", "op", 1, 0),
        "c": Node("c", "loss", "()", "", "op", 2, 0),
    }
    steps = (
        Step("Read.", frozenset({"a"}), frozenset()),
        Step("Mix.", frozenset({"b"}), frozenset({("a", "b")}), 2 if stack else 0),
    )
    edges = (Edge("a", "b"), Edge("b", "c"))
    return Diagram("small", "ssm", ("mamba",), "Small", nodes, edges, (), steps, "Why?", worked, stack)


def example(**pictures: tuple[Picture, ...]) -> Worked:
    """An example with those pictures."""
    return Worked(OF, "on “a b”", pictures, {2: "Half of it is nought."})


def filled() -> Diagram:
    """Strips in `a`, which change at step 2; a strip, bars and an image in `b`; a figure in `c`."""
    turned = STRIP._replace(rows=STRIP.rows[::-1])
    return small(
        example(
            a=(Picture(1, (STRIP,)), Picture(2, (turned,))),
            b=(Picture(2, (BARS, STRIP, IMAGE)),),
            c=(Picture(2, (LOSS,)),),
        )
    )
