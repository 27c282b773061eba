"""What a hand does on a panel: knobs that it turns, and parts that it points at."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from atlas_cli.diagrams.plain import Plain

Axis = Literal["x", "y"]
AXES: tuple[Axis, Axis] = ("x", "y")


@dataclass(frozen=True, eq=False, repr=False)
class Drag(Plain):
    """A knob that a hand on the panel turns: the value nearest to the hand is taken.

    Attributes:
        knob: Its name.
        axis: Along which the hand moves: "x" across; "y" up, or down the rows of a matrix.
        values: The knob's values, where they do not lie at themselves; empty: each does.
        at: Where each of `values` lies, in the units of the axis; cells, tokens and bars count from 0.
    """

    knob: str
    axis: Axis = "x"
    values: tuple[Any, ...] = ()
    at: Any = ()
    kind: ClassVar[str] = "drag"

    def nearest(self, values: Sequence[Any], place: float, log: bool = False) -> int:
        """Of a knob's values the one that lies nearest to a hand.

        Args:
            values: All that the knob has.
            place: Of the hand along the axis, its logarithm to base 10 where `log` says so.
            log: Whether the axis grows by factors.
        """
        places = dict(zip(self.values, self.at, strict=True))

        def away(i: int) -> float:
            at = float(places.get(values[i], values[i]))
            if log:
                at = math.log10(at) if at > 0 else -math.inf
            return abs(at - place)

        return min(range(len(values)), key=away)


@dataclass(frozen=True, eq=False, repr=False)
class Link(Plain):
    """What the parts of a panel along one axis are: who points at one sees its like in the other panels too.

    Parts are the columns and rows of a matrix, bars, tokens, images, points and arrows in their order, and
    the whole numbers below curves. Those of a sketch are what its shapes say.

    Attributes:
        name: Of what they are, the same wherever they are shown: "token", "expert".
        axis: Along which they lie: "x", or "y" for the rows of a matrix.
        first: What is added to a part's place, which counts from 0, for the number that parts of other panels
            have; to a place below curves, where it is itself.
    """

    name: str
    axis: Axis = "x"
    first: int = 0
    kind: ClassVar[str] = "link"


def links_of(panel: Any) -> tuple[Link, ...]:
    """What its parts are; bars of the same labels, and tokens of the same texts, need no word of it."""
    if panel.links:
        return tuple(panel.links)
    texts = [text for text, *_ in getattr(panel, "tokens", ())] or list(getattr(panel, "labels", ()))
    return (Link("\n".join(texts)),) if texts else ()


def by_axis(kind: type[Drag] | type[Link], given: Any) -> tuple[Any, ...]:
    """One of a kind, several or None, each itself or the name of what lies along x, the second along y."""
    several = given if isinstance(given, tuple | list) else () if given is None else (given,)
    return tuple(
        kind(one, axis) if isinstance(one, str) else one for one, axis in zip(several, AXES, strict=False)
    )
