"""Twins: explorables that the page computes itself: it holds no frames, and their knobs stand anywhere.

A script beside a module is its twin, and nothing lists them: explorables/<family>/<name>.js computes what
<name>.py does, and the twin of a helper that <name>.py imports comes before it. A twin is one call,
`twin((given, first, tools) => (setting, own) => frame)`: what the module's explorable has `given`, its first
frame as a template, and web/assets/scripts/twins.js's tools.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from atlas_cli.diagrams import shipped
from atlas_cli.diagrams.frame_cache import kept
from atlas_cli.diagrams.web.sliders import continuous

if TYPE_CHECKING:
    from atlas_cli.diagrams.frames import Explorable

_DIGITS = 8  # of what a twin is given: more than a single-precision number's


def scripts(shown: Explorable) -> list[Path]:
    """The twin of an explorable, after those of its helpers; none if it has none or is drawn from a run."""
    module = shipped.path(shown).with_suffix(".py")
    if shown.run is not None or not module.with_suffix(".js").is_file():
        return []
    beside = (source.with_suffix(".js") for source in shipped.sources(module) if source != module)
    return [*filter(Path.is_file, beside), module.with_suffix(".js")]


def knobs(shown: Explorable) -> list[dict[str, Any]]:
    """Its knobs, the sliders with what lies between their values."""
    return [continuous(knob).as_dict() for knob in shown.knobs]


def element(shown: Explorable) -> str:
    """The script element that gives the figure around it its twin."""
    source = "\n".join(path.read_text(encoding="utf-8") for path in scripts(shown))
    return (
        "<script>{\nconst figure = document.currentScript.parentElement;\n"
        f"const twin = (make) => {{ figure.atlasTwin = make; }};\n{source}}}</script>\n"
    )


def told(shown: Explorable) -> dict[str, Any]:
    """What the twin is given, and the frame of the first setting."""
    made: dict[str, Any] = kept(shown, ["twin", _DIGITS], lambda: _told(shown))
    return made


def _told(shown: Explorable) -> dict[str, Any]:
    given = shown.given() if shown.given else {}
    return {"given": _short(given), "first": shown.frame(shown.defaults).as_dict()}


def _short(value: Any) -> Any:
    """Arrays as lists, and numbers to so many digits."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, dict):
        return {name: _short(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_short(item) for item in value]
    return float(f"{value:.{_DIGITS}g}") if isinstance(value, float) else value
