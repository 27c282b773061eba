"""What every explorable must keep."""

from __future__ import annotations

import json
import re
from itertools import islice, product
from math import prod

from atlas_cli import catalog
from atlas_cli.diagrams.frames import Explorable, Frame, Tokens
from atlas_cli.diagrams.text.panels import panels

COLOURS = re.compile(
    r"\b(dark|light|bright|pale|blue|orange|green|red)", re.IGNORECASE
)  # which depend on the ground
MOST = 120  # settings that are computed; of more, every nth


def check(shown: Explorable) -> None:
    """Every setting gives a frame that can be drawn and stored, and each knob changes what is drawn."""
    slugs = {topic.slug for topic in catalog.topics() if topic.family == shown.family}
    assert set(shown.topics) <= slugs
    assert shown.question.endswith("?")
    names = [knob.name for knob in shown.knobs]
    every = prod(len(knob.values) for knob in shown.knobs)
    settings = product(*(knob.values for knob in shown.knobs))
    for setting in islice(settings, None, None, -(-every // MOST)):
        _check_frame(shown.frame(dict(zip(names, setting, strict=True))))
    said = set()
    for knob in shown.knobs:
        frames = [shown.frame({knob.name: value}) for value in knob.values]
        captions = {frame.caption for frame in frames}
        assert len(captions) > 1, f"the caption does not say what {knob.name} does"
        said |= captions
        drawn = [_drawn(frame) for frame in frames]
        assert len(set(drawn)) > len(drawn) / 3, f"{knob.name} hardly changes the picture"
        assert drawn[0] != drawn[-1]
    assert len(said) > 2, "the caption does not say what the knobs do"


def _words_shown(frame: Frame) -> set[str]:
    return {
        str(token[0]).strip()
        for row in frame.panels for panel in row if isinstance(panel, Tokens)
        for token in panel.tokens if str(token[0]).strip()
    }  # fmt: skip


def _check_frame(frame: Frame) -> None:
    assert frame.panels
    assert all(row for row in frame.panels)
    assert "?" not in frame.caption  # what is asked stands above the panels, once
    said = frame.caption + " ".join(p.title for row in frame.panels for p in row)
    for word in _words_shown(frame):  # a sentence about a red circle may speak of red
        said = re.sub(rf"\b{re.escape(word)}\b", "", said)
    assert not COLOURS.search(said)
    assert all(isinstance(value, float | int | str) for value in frame.facts.values())
    text = json.dumps(frame.as_dict(), allow_nan=False)
    assert len(text) < 60_000
    for line in panels(frame, 96, plain=True):
        assert len(line.plain.rstrip()) <= 96


def _drawn(frame: Frame) -> str:
    """The panels alone, without the figures beside them."""
    return json.dumps(frame.as_dict()["panels"])
