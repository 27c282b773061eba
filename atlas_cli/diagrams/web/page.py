"""Diagrams as HTML: one self-contained file, or parts of a larger page.

A file needs no network and works from `file://`. Block diagrams are drawn here and lit by the script;
the frames of an explorable are computed here and drawn by the script (assets/scripts, assets/diagram.css).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from atlas_cli import catalog
from atlas_cli.diagrams.model import Diagram, Node
from atlas_cli.diagrams.svg import blocks as svg_blocks
from atlas_cli.diagrams.svg.block_file import said_of
from atlas_cli.diagrams.svg.style import tile_sheet
from atlas_cli.diagrams.worked import Worked

if TYPE_CHECKING:
    from atlas_cli.diagrams.frames import Explorable, Value

SCRIPTS = (  # in the order in which they are joined
    "base", "paint", "plot", "curves", "sketch", "heat", "lists", "frames", "twins", "panels", "player",
    "stepped", "seize", "links", "own", "ease", "stage", "address", "asked", "network", "explorable", "start",
)  # fmt: skip
_MOST_LINES = 60  # of source that a page shows for one box
# Nothing may be fetched, and a browser holds the page to it.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"
_UNSEEN = "This diagram is drawn by a script, which is switched off."
_ASKING = f"{_POLICY}; connect-src 'self'"  # of a page that a server of the atlas answers
_WORKING = f"{_POLICY}; worker-src blob:"  # of one that computes in a worker, whose source it holds


def page(
    shown: Diagram | Explorable, setting: Mapping[str, Value] | None = None, step: int = 1, live: str = ""
) -> str:
    """One self-contained HTML document.

    Args:
        shown: A stepped diagram or an explorable.
        setting: Where an explorable's knobs stand at first; those not named, at their defaults.
        step: The step of a stepped diagram that is lit at first.
        live: The address that an explorable's frames are asked of; "": the page holds them.
    """
    family = next(family for family in catalog.families() if family.slug == shown.family)
    policy = _ASKING if live else _WORKING if getattr(shown, "network", "") else _POLICY
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f"<title>{escape(shown.title)} · atlas</title>\n{head(live != '')}\n</head>\n"
        f'<body class="atlas-page">\n<header><p>{escape(family.title)}</p>'
        f"<h1>{escape(shown.title)}</h1></header>\n"
        f"<main>\n{fragment(shown, setting, step, live)}\n</main>\n"
        f"<footer><p>Computed and drawn by <b>atlas</b>, a command-line tutor of AI architectures: "
        f"<code>{escape(_command(shown))}{' --live' if live else ''}</code></p></footer>\n"
        "</body>\n</html>\n"
    )


def _command(shown: Diagram | Explorable) -> str:
    """What draws it in the terminal."""
    run = None if isinstance(shown, Diagram) else shown.run
    return f"atlas diagram {shown.topics[0]} {shown.name}{f' --run {run}' if run else ''}"


def head(live: bool = False) -> str:
    """The style and the script that fragments need, once a page; with `live`, those that ask for frames."""
    return f"<style>\n{style()}</style>\n<script>\n{script(live)}</script>"


def style() -> str:
    """The style sheet of all diagrams."""
    return _asset("diagram.css") + tile_sheet()


@cache
def script(live: bool = False, loading: bool = False) -> str:
    """All scripts of diagrams as one, in a block of its own: none of their names meets another script's.

    Args:
        live: With what asks a server for frames.
        loading: With what loads a network from a file beside the page.
    """
    further = [*(["live"] if live else []), *(["loading"] if loading else [])]
    parts = (_asset(f"scripts/{name}.js") for name in (*SCRIPTS, *further))
    return '"use strict";\n{\n' + "\n".join(parts) + "}\n"


def fragment(
    shown: Diagram | Explorable, setting: Mapping[str, Value] | None = None, step: int = 1, live: str = "",
    computing: str = "",
) -> str:  # fmt: skip
    """A `figure` element for a page that has `head()` in its head; for the arguments see `page`.

    `computing` is the address of the script with the network of an explorable that a page computes with; "":
    the figure holds it.
    """
    kind, parts, data = (
        ("stepped", _stepped(shown), _steps(shown, step))
        if isinstance(shown, Diagram)
        else ("explorable", *_explorable(shown, setting, live, computing))
    )
    name = _id(shown)
    return (
        f'<figure class="atlas-diagram {kind}" id="{name}" data-kind="{kind}"'
        f' aria-label="{escape(shown.title)}">\n'
        f'{parts}\n<script type="application/json">{_embedded(data)}</script>\n</figure>'
    )


def miniature(shown: Explorable, knob: str, every: int = 1) -> str:
    """A `figure` of an explorable's first panel alone, which one of its knobs turns to and fro by itself.

    Args:
        shown: Whose panel.
        knob: What turns; the others stand at their defaults.
        every: Of how many values of the knob one is kept, and always the last.
    """
    from atlas_cli.diagrams.frames import Frame

    turned = next(other for other in shown.knobs if other.name == knob)
    values = tuple(value for i, value in enumerate(turned.values[:-1]) if i % every == 0) + turned.values[-1:]
    start = values[_nearest(list(values), turned.default)]
    small = replace(turned, values=values, default=start)

    def compute(**setting: Value) -> Frame:
        panel = shown.frame(setting).panels[0][0]
        return Frame(((replace(panel, drag=[d for d in panel.drag if d.knob == knob]),),), "", {})

    cut = replace(shown, name=f"{shown.name}-miniature", knobs=(small,), compute=compute)
    parts, data = _explorable(cut, None, "")
    return (
        f'<figure class="atlas-diagram explorable miniature" id="{_id(cut)}" data-kind="explorable"'
        f' aria-label="{escape(shown.title)}">\n'
        f'{parts}\n<script type="application/json">{_embedded(data | {"loops": True})}</script>\n</figure>'
    )


# --- stepped diagrams -------------------------------------------------------------------------------------


def _stepped(diagram: Diagram) -> str:
    count = len(diagram.steps)
    numbers = "".join(
        f'<button type="button" class="number" data-step="{i}" aria-label="Step {i}">{i}</button>'
        for i in range(1, count + 1)
    )
    sentences = "".join(f"<li>{escape(said_of(diagram, i))}</li>" for i in range(1, count + 1))
    says = _source(diagram.worked) if diagram.worked else ""
    return f"""<div class="stage">
<div class="picture" tabindex="0" role="region" aria-label="The drawing">{says}
{svg_blocks.drawings(diagram)}</div>
<div class="side">
<div class="teller">
<div class="caption" aria-live="polite" aria-atomic="true"></div>
<div class="controls" role="group" aria-label="Steps; the arrow keys work too">
<button type="button" class="back" aria-label="Previous step">←</button>
<button type="button" class="play" aria-label="Play">▶</button>
<button type="button" class="next" aria-label="Next step">→</button>
<span class="numbers">{numbers}</span></div>
</div>
<div class="code" id="{_id(diagram)}-code" hidden><p class="code-name"></p>
<pre tabindex="0" role="region" aria-label="Source code"><code></code></pre></div>
{_question(diagram.question, "Before you go on")}
<details class="sentences"><summary>All steps as text</summary><ol>{sentences}</ol></details>
</div></div>"""


def _source(example: Worked) -> str:
    """Whose network filled the boxes, and with what, and the key to the shades."""
    key = ' <span class="key">below nought <i></i> above</span>' if example.signed else ""
    return f'<p class="source">{escape(example.says)}{key}</p>'


def _steps(diagram: Diagram, step: int) -> dict[str, Any]:
    return {
        "step": step,
        "steps": [
            {
                "say": s.say,
                "seen": diagram.worked.seen.get(i, "") if diagram.worked else "",
                "nodes": sorted(s.nodes),
                "edges": sorted(f"{a}>{b}" for a, b in s.edges),
                "layer": s.layer,
                "absent": sorted(diagram.absent(i)),
            }
            for i, s in enumerate(diagram.steps, start=1)
        ],
        "code": {node.id: _code(diagram, node) for node in diagram.nodes.values() if node.code},
    }


def _code(diagram: Diagram, node: Node) -> dict[str, Any]:
    """The function that a box stands for: its name, where it is, its text."""
    from atlas_cli.diagrams.code import locate

    source = locate(catalog.resolve(diagram.topics[0]), node.code)
    lines = source.text.rstrip().splitlines()
    shown = lines if len(lines) <= _MOST_LINES else [*lines[: _MOST_LINES - 1], "    ..."]
    module = source.path.relative_to(Path(__file__).parents[2]).as_posix()
    return {
        "label": node.label,
        "name": source.name,
        "place": f"{module}, line {source.first_line}",
        "html": _coloured("\n".join(_dedented(shown))),
    }


def _dedented(lines: list[str]) -> list[str]:
    indent = len(lines[0]) - len(lines[0].lstrip())
    return [line[indent:] for line in lines]


def _coloured(code: str) -> str:
    """Python source as HTML, its parts in spans of a class each."""
    from atlas_cli.screen.highlight import highlight

    pieces, end = [], 0
    for span in sorted(highlight(code, "python").spans):
        name = str(span.style).removeprefix("atlas.")
        pieces += [
            escape(code[end : span.start]),
            f'<span class="{name}">{escape(code[span.start : span.end])}</span>',
        ]
        end = span.end
    return "".join([*pieces, escape(code[end:])])


# --- explorables ------------------------------------------------------------------------------------------


def _explorable(
    shown: Explorable, setting: Mapping[str, Value] | None, live: str, computing: str = ""
) -> tuple[str, dict[str, Any]]:
    from atlas_cli.diagrams.web import twins
    from atlas_cli.diagrams.web.frames import deflated, pack
    from atlas_cli.diagrams.web.still import still

    wanted = {**shown.defaults, **(setting or {})}
    twin = ""
    source: dict[str, Any]
    if live or shown.network:
        knobs = [knob.as_dict() for knob in shown.knobs]
        source = {"live": live} if live else _computed(shown, setting, computing)
    elif twins.scripts(shown):
        knobs, source = twins.knobs(shown), {"told": deflated(twins.told(shown))}
        twin = twins.element(shown)
    else:
        knobs, packed = pack(shown)
        source = {"packed": packed}
    at = [_nearest(knob["values"], wanted[knob["name"]]) for knob in knobs]
    controls = "\n".join(
        _knob(_id(shown), knob, place, bool(live or shown.network))
        for knob, place in zip(knobs, at, strict=True)
    )
    parts = f"""{_question(shown.question, "Try this")}
<div class="knobs">
{controls}
</div>
<div class="stage">
<div class="panels"><noscript>{_UNSEEN if live else still(shown, wanted)}</noscript></div>
<div class="side">
<dl class="facts"></dl>
<div class="caption"></div>
<div class="spoken" role="status"></div><i class="probe"></i>
</div></div>
{twin}"""
    plays = {"plays": True} if shown.plays and not setting else {}
    return parts, {"knobs": knobs, "at": at, **plays, **source}


def _computed(shown: Explorable, setting: Mapping[str, Value] | None, address: str) -> dict[str, Any]:
    """What a figure holds whose frames the page computes: the first of them, and where the network is."""
    from atlas_cli.diagrams.frame_cache import frame_of
    from atlas_cli.diagrams.web import computing

    return {
        "first": frame_of(shown, setting or {}).as_dict(),
        "network": address or computing.whole(shown),
        "megabytes": computing.megabytes(shown.family, shown.network),
    }


def _nearest(values: list[Value], wanted: Value) -> int:
    if wanted in values or isinstance(wanted, str):
        return values.index(wanted)
    return min(range(len(values)), key=lambda i: abs(float(values[i]) - wanted))


def _knob(figure: str, knob: dict[str, Any], at: int, live: bool) -> str:
    """The control of one knob: a slider over the places of its values, or one button a name.

    Where frames are computed on demand, a choice that is open for other texts has a field for them.
    """
    name, label = f"{figure}-{knob['name']}", escape(knob["label"])
    if knob["kind"] == "choice":
        return _choice(name, label, knob, at, live and knob["open"])
    play = f'<button type="button" class="play" aria-label="Play {label}">▶</button>'
    return (
        f'<div class="knob" data-knob="{escape(knob["name"])}"><label for="{name}">{label}</label>'
        f'<output for="{name}"></output>'
        f'<input type="range" id="{name}" min="0" max="{len(knob["values"]) - 1}" value="{at}">{play}</div>'
    )


def _choice(name: str, label: str, knob: dict[str, Any], at: int, own: bool) -> str:
    buttons = "".join(
        f'<label><input type="radio" name="{name}" value="{i}"{" checked" if i == at else ""}>'
        f"<span>{escape(str(value))}</span></label>"
        for i, value in enumerate(knob["values"])
    )
    field = (
        '<label class="own">or your own <input type="text" maxlength="2000" spellcheck="false"></label>'
        if own
        else ""
    )
    return (
        f'<fieldset class="knob choice" data-knob="{escape(knob["name"])}">'
        f"<legend>{label}</legend>"
        f'<div class="segments">{buttons}</div>{field}</fieldset>'
    )


# --- both -------------------------------------------------------------------------------------------------


def _question(text: str, asks: str) -> str:
    return f'<p class="question"><b>{asks}</b>{escape(text)}</p>'


def _id(shown: Diagram | Explorable) -> str:
    return f"{shown.family}-{shown.name}"


def _embedded(data: dict[str, Any]) -> str:
    """JSON that no text of it can break out of its script element."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


@cache
def _asset(name: str) -> str:
    return (Path(__file__).parent / "assets" / name).read_text(encoding="utf-8")
