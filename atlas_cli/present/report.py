"""Runs as one HTML page that needs nothing else: claims, curves drawn as SVG, pictures inside."""

from __future__ import annotations

import base64
import html
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from atlas_cli.present.charts import COLOURS, Curve
from atlas_cli.runs.folder import RunFolder
from atlas_cli.runs.summary import FACTS, curves, summary

_WIDTH, _HEIGHT, _MARGIN = 640, 240, 48  # pixels of a chart
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; margin: 1rem 0 } th, td { text-align: left; padding: .2rem .8rem .2rem 0 }
th { font-weight: 600 } .muted { color: #777 } img { max-width: 100%; image-rendering: pixelated }
.holds { color: #2f8f74 } .fails { color: #c0503f; font-weight: 600 } svg text { font-size: 12px }
"""
_KINDS = {".png": "image/png", ".gif": "image/gif"}


def report(runs: Sequence[RunFolder]) -> str:
    """The whole page."""
    parts = [_overview(runs), *map(_section, runs)]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Runs of atlas</title>'
        f"<style>{_STYLE}</style></head><body>\n<h1>Runs</h1>\n" + "\n".join(parts) + "\n</body></html>\n"
    )


def _overview(runs: Sequence[RunFolder]) -> str:
    rows = [
        [f'<a href="#{html.escape(run.name)}">{html.escape(run.name)}</a>', *map(_escaped, (
            told["recipe"], told["status"], told["claims"], told["train_seconds"]))]
        for run in runs if (told := summary(run))
    ]  # fmt: skip
    return _table(("run", "recipe", "status", "claims", "training, s"), rows)


def _section(run: RunFolder) -> str:
    told, result = summary(run), run.result or {}
    facts = [f"{name} {_fact(told[name])}" for name in FACTS if told[name] is not None]
    lines = [f'<h2 id="{html.escape(run.name)}">{html.escape(run.name)}</h2>']
    lines.append(f'<p class="muted">{_escaped(", ".join([told["recipe"], *facts, *told["tags"]]))}</p>')
    lines += [f"<p>{_escaped(change)}</p>" for change in told["changes"]]
    if result.get("verdicts"):
        lines.append(_claims(result["verdicts"]))
    lines.append(chart(curves([run], "loss"), "loss"))
    lines += [_picture(path) for path in sorted(run.samples.glob("*")) if path.suffix in _KINDS]
    lines += [_text(path) for path in sorted(run.samples.glob("*.txt"))]
    return "\n".join(lines)


def _claims(verdicts: Sequence[Mapping[str, Any]]) -> str:
    words = {True: '<span class="holds">holds</span>', False: '<span class="fails">fails</span>'}
    rows = [
        [_escaped(v["claim"] or v["metric"]), _escaped(v["bar"]), _number(v["figure"]), _number(v["ablated"]),
         words.get(v["passed"], "not judged")]
        for v in verdicts
    ]  # fmt: skip
    return _table(("claim", "bar", "figure", "without the idea", "verdict"), rows)


def chart(lines: Mapping[str, Curve], metric: str) -> str:
    """The curves as one SVG with both axes labelled; empty where there is nothing to draw."""
    shown = {name: [(x, y) for x, y in points if math.isfinite(y)] for name, points in lines.items()}
    xs = [x for points in shown.values() for x, _ in points]
    ys = [y for points in shown.values() for _, y in points]
    if not xs:
        return ""
    left, right, low, high = min(xs), max(xs), min(ys), max(ys)
    top, bottom, end = _MARGIN // 2, _HEIGHT - _MARGIN, _WIDTH - _MARGIN

    def place(x: float, y: float) -> str:
        across = _MARGIN + (x - left) / ((right - left) or 1) * (end - _MARGIN)
        return f"{across:.1f},{top + (high - y) / ((high - low) or 1) * (bottom - top):.1f}"

    tall = _HEIGHT + 16 * len(shown)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {tall}" width="{_WIDTH}" '
        f'font-family="sans-serif" font-size="12" role="img" aria-label="{_escaped(metric)} over the steps">',
        f'<rect width="{_WIDTH}" height="{tall}" fill="white"/>',
        f'<path d="M{_MARGIN},{top}V{bottom}H{end}" fill="none" stroke="#999"/>',
        _label(0, top + 4, f"{high:.3g}"), _label(0, bottom + 4, f"{low:.3g}"),
        _label(_MARGIN, bottom + 18, f"{left:g}"), _label(end - 40, bottom + 18, f"{right:g} steps"),
        _label(_MARGIN, 12, metric),
    ]  # fmt: skip
    for i, (name, points) in enumerate(shown.items()):
        colour = COLOURS[i % len(COLOURS)]
        path = " ".join(place(x, y) for x, y in points)
        parts.append(f'<polyline fill="none" stroke="{colour}" stroke-width="1.5" points="{path}"/>')
        parts.append(_label(_MARGIN, _HEIGHT + 16 * i, name, colour))
    return "".join([*parts, "</svg>"])


def _label(x: float, y: float, text: str, colour: str = "#333") -> str:
    return f'<text x="{x}" y="{y}" fill="{colour}">{_escaped(text)}</text>'


def _picture(path: Path) -> str:
    data = base64.b64encode(path.read_bytes()).decode("ascii")
    name = _escaped(path.name)
    source = f"data:{_KINDS[path.suffix]};base64,{data}"
    return f'<figure><img alt="{name}" src="{source}"><figcaption class="muted">{name}</figcaption></figure>'


def _text(path: Path) -> str:
    text = _escaped(path.read_text(encoding="utf-8", errors="replace")[:4000])
    return f'<figure><pre>{text}</pre><figcaption class="muted">{_escaped(path.name)}</figcaption></figure>'


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{_escaped(title)}</th>" for title in header)
    body = "\n".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>\n{body}</table>"


def _escaped(value: object) -> str:
    return html.escape("" if value is None else str(value))


def _fact(value: object) -> str:
    return _number(value) if isinstance(value, float) else str(value)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
