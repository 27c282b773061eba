"""How a panel is to be drawn in a terminal."""

from __future__ import annotations

from typing import NamedTuple


class Look(NamedTuple):
    """What a panel must keep to."""

    width: int  # columns
    plain: bool = False  # ASCII alone
    colour: bool = False  # whether colours will be seen; images then have twice the resolution
    hands: bool = False  # whether a mouse may be on it: characters then know what they are of
    number: int = 0  # of the panel in its frame, in reading order
