"""The colours of amounts: from none to all, and from minus to plus, on a light ground and on a dark one.

They run through lightness, so that they can be told apart in grey.
"""

from __future__ import annotations

N_SHADES = 33  # so many that neighbours cannot be told apart, and none is lost
Stops = tuple[str, ...]

GREY: tuple[Stops, Stops] = (("#000000", "#ffffff"), ("#000000", "#ffffff"))  # light ground, dark ground
AMOUNT: tuple[Stops, Stops] = (
    ("#f7f6ee", "#b9d6e6", "#62a0c9", "#1e5f9c", "#08234b"),
    ("#14202d", "#1d4468", "#2f7bb0", "#7cbbe0", "#f4f3e2"),
)
SIGNED: tuple[Stops, Stops] = (
    ("#8a3a00", "#e39b5d", "#f6f4ef", "#6da5cf", "#08417a"),
    ("#f5a25d", "#97551f", "#22252b", "#245f92", "#7cc0f5"),
)
RAMPS = {"grey": GREY, "amount": AMOUNT, "signed": SIGNED}  # by the shades of a tile


def colour(stops: Stops, share: float) -> str:
    """The colour at a share of 0 to 1 of the way from the first stop to the last."""
    place = min(max(share, 0.0), 1.0) * (len(stops) - 1)
    low = min(int(place), len(stops) - 2)
    pairs = zip(_rgb(stops[low]), _rgb(stops[low + 1]), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * (place - low)):02x}" for a, b in pairs)


def _rgb(stop: str) -> list[int]:
    return [int(stop[i : i + 2], 16) for i in (1, 3, 5)]
