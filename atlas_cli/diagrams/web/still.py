"""The frame that an explorable shows first as a picture, for who has scripts switched off."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import quote

from atlas_cli.diagrams.frame_cache import frame_of
from atlas_cli.diagrams.svg import panels

if TYPE_CHECKING:
    from atlas_cli.diagrams.frames import Explorable, Value

MOST_BYTES = 20_000  # of a picture that most readers never see
_AS_IT_IS = " <>/:;=,.()[]{}!$*@'?|+~"  # what an address in double quotes holds without an escape


def still(shown: Explorable, setting: Mapping[str, Value]) -> str:
    """An image element with its picture in it, light and dark; of one that is too large, its words."""
    frame = frame_of(shown, setting)
    picture = _slim(panels.svg(shown, frame, setting))
    said = escape(f"{shown.title}. {frame.caption}")
    packed = quote(picture, safe=_AS_IT_IS)
    if len(packed) > MOST_BYTES:
        return f"<p>{said}</p>"
    return f'<img class="still" alt="{said}" src="data:image/svg+xml,{packed}">'


def _slim(svg: str) -> str:
    """Without the shades that nothing in it has, and with quotes that need no escape; texts have none."""
    used = set(re.findall(r'class="([hd]\d+)"', svg))
    svg = re.sub(r"\.([hd]\d+) \{[^}]*\}\n", lambda rule: rule[0] if rule[1] in used else "", svg)
    return svg.replace("'", "").replace('"', "'")
