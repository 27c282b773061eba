"""Walking from part to part of a picture, so that keys light what a mouse does.

Nothing here knows of Textual.
"""

from __future__ import annotations

from atlas_cli.diagrams.text.parts import Part, parts_in
from atlas_cli.screen.lines import Lines


def parts_of(lines: Lines, names: set[str]) -> list[Part]:
    """The parts that light something, panel by panel, each place once."""
    found: dict[object, Part] = {}
    for *_, part in parts_in(lines):
        if any(spot.name in names for spot in part.spots):
            found.setdefault((part.panel, part.spots), part)
    return sorted(found.values(), key=lambda part: (part.panel, [spot.numbers for spot in part.spots[::-1]]))


def at_place(parts: list[Part], wanted: Part | None) -> Part | None:
    """What is in a place now: it may say something else in a new frame, or be gone."""
    if wanted is None:
        return None
    return next((p for p in parts if (p.panel, p.spots) == (wanted.panel, wanted.spots)), None)


def walked(parts: list[Part], at: Part | None, across: int, down: int) -> Part | None:
    """The part that an arrow key leads to; the first one from nowhere, the same one at an end.

    Left and right lead to the next part of a panel, up and down to the next row of a matrix, and from there
    and from all else to the first part of the next panel.
    """
    now = at_place(parts, at)
    if now is None:
        return parts[0] if parts else None
    own = [part for part in parts if part.panel == now.panel]
    if len(now.spots) == 2:  # across and down a matrix
        steps = {"x": across, "y": down}
        wanted = tuple(s._replace(numbers=(s.numbers[0] + steps[s.axis],)) for s in now.spots)
        found = at_place(own, now._replace(spots=wanted))
        if found is not None or across:
            return found or now
    elif across:
        return own[max(0, min(own.index(now) + across, len(own) - 1))]
    panels = sorted({part.panel for part in parts})
    panel = panels[max(0, min(panels.index(now.panel) + down, len(panels) - 1))]
    return now if panel == now.panel else next(part for part in parts if part.panel == panel)
