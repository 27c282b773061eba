"""What a page may ask the atlas to put in place, so that no measured number is ever typed.

    {{ figure small.class_accuracy }}      a mean over the seeds; small.without.X of the ablation, and
                                           small.vary.ROW.X of a row of `vary:`
    {{ spread small.class_accuracy }}      from the least to the greatest of the seeds
    {{ gap small.X small.Y }}              the first less the second; {{ quotient ... }}: over it
    {{ table small: X as words, Y }}       the run, the run without the idea and the rows of `vary:`
    {{ diagram NAME }}
    {{ guess }}                            the question of the page's front matter (guess.py)

A recipe is one of the page's topic; on a family's page it is a file of content/<family>/measured/, which a
benchmark wrote.

Figures are replaced in the Markdown itself, so that they work inside a sentence or a table; a diagram is a
paragraph of its own and is drawn by whoever renders the page. What was measured with one seed says so.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from atlas_cli import documents, paths
from atlas_cli.catalog import Family, Topic

if TYPE_CHECKING:
    from atlas_cli.diagrams.frames import Explorable
    from atlas_cli.diagrams.model import Diagram

NOT_MEASURED = "not yet measured"
_CERTAIN = ("seconds", "seeds", "threads", "cores", "date", "torch")  # what no seed changes, or only a clock
_NAME = r"(?:([\w-]+)/)?([\w-]+)\.([\w.=-]+)"
_FIGURE = re.compile(rf"\{{\{{\s*(figure|spread)\s+{_NAME}\s*\}}\}}")
_PAIR = re.compile(rf"\{{\{{\s*(gap|quotient)\s+{_NAME}\s+{_NAME}\s*\}}\}}")
_TABLE = re.compile(r"\{\{\s*table\s+(?:([\w-]+)/)?([\w-]+):\s*([^}]+?)\s*\}\}")
_DIAGRAM = re.compile(r"\{\{\s*diagram\s+([\w-]+)\s*\}\}")
GUESS = re.compile(r"\{\{\s*guess\s*\}\}")
_RECKONED = re.compile(rf"(?:(gap|quotient)\s+{_NAME}\s+)?{_NAME}")


def fill_figures(markdown: str, subject: Topic | Family) -> str:
    """Replace every figure by what the recipe's `measured:` says.

    On a topic's page `small.loss` means its own recipe; `ddpm/small.loss` names another topic's.
    """

    def figure(match: re.Match[str]) -> str:
        kind, topic, recipe, name = match.groups()
        return (spread if kind == "spread" else measured)(topic or subject.slug, recipe, name)

    def pair(match: re.Match[str]) -> str:
        kind, *names = match.groups()
        two = [(topic or subject.slug, recipe, name) for topic, recipe, name in (names[:3], names[3:])]
        (one, other) = (_value(*figure) for figure in two)
        if not isinstance(one, int | float) or not isinstance(other, int | float):
            return NOT_MEASURED
        once = next(filter(None, (_of_one_seed(*figure) for figure in two)), "")
        return _told(_combined(kind, one, other)) + once

    def table(match: re.Match[str]) -> str:
        return _table(match[1] or subject.slug, match[2], match[3])

    return _TABLE.sub(table, _PAIR.sub(pair, _FIGURE.sub(figure, markdown)))


def reckoned(expression: str, topic: str) -> float | None:
    """What a figure comes to, or a gap or quotient of two; None where something of it was not measured.

    Args:
        expression: As in a directive, without braces: "small.loss", "quotient small.loss gan/small.loss".
        topic: Whose recipes are meant where none is named.

    Raises:
        ValueError: it is no such expression.
    """
    match = _RECKONED.fullmatch(expression.strip())
    if match is None:
        raise ValueError(f"no figure, gap or quotient: {expression!r}")
    kind, *names = match.groups()
    figures = [names[3:]] if kind is None else [names[:3], names[3:]]
    values = [_value(named or topic, recipe, name) for named, recipe, name in figures]
    if not all(isinstance(value, int | float) for value in values):
        return None
    return float(values[0] if kind is None else _combined(kind, *values))


def is_guess(paragraph: str) -> bool:
    """Whether a paragraph stands for the page's guess."""
    return bool(GUESS.fullmatch(paragraph.strip()))


def diagram_named(paragraph: str) -> str | None:
    """The diagram that a paragraph stands for, if that is all it says."""
    match = _DIAGRAM.fullmatch(paragraph.strip())
    return match[1] if match else None


def diagrams_in(markdown: str) -> list[str]:
    """The names of the diagrams that stand in a text."""
    return _DIAGRAM.findall(markdown)


def fill_diagrams(markdown: str, subject: Topic | Family) -> str:
    """Replace every diagram by a drawing in a code block, for Markdown that leaves the atlas."""

    def drawing(match: re.Match[str]) -> str:
        from atlas_cli.diagrams import deliver, gallery

        found = gallery.find(subject, match[1])
        text = told(found) if only_named(found) else deliver.in_markdown(found)
        return f"```text\n{text}\n```"

    return _DIAGRAM.sub(drawing, markdown)


def needs_run(shown: Diagram | Explorable) -> bool:
    """Whether only a run of the reader's own can draw it, so that a page has nothing to show."""
    return bool(getattr(shown, "needs_run", False))


def only_named(shown: Diagram | Explorable) -> bool:
    """Whether a page of text says how to draw it in place of drawing it."""
    return needs_run(shown) or bool(getattr(shown, "heavy", False))


def told(shown: Diagram | Explorable) -> str:
    """What a page says in place of a diagram that needs a run, or much time."""
    command = f"atlas diagram {shown.topics[0]} {shown.name}"
    return f"{shown.title}: {command}{' --run latest' if needs_run(shown) else ''}"


def measured(topic: str, recipe: str, figure: str) -> str:
    """A figure that a real run printed, as text, or a plain statement that there is none yet."""
    value = _value(topic, recipe, figure)
    return NOT_MEASURED if value is None else _told(value) + _of_one_seed(topic, recipe, figure)


def spread(topic: str, recipe: str, figure: str) -> str:
    """The least and the greatest of a figure over the seeds."""
    first, dot, rest = figure.partition(".")
    name = f"spread_{first}.{rest}" if dot and first in ("without", "vary") else f"spread.{figure}"
    value = _value(topic, recipe, name)
    if not isinstance(value, list):
        return NOT_MEASURED
    once = _of_one_seed(topic, recipe, figure)
    return f"{_told(value[0])}{once}" if once else f"{_told(value[0])} to {_told(value[1])}"


def _table(topic: str, recipe: str, columns: str) -> str:
    """A Markdown table of the run, the run without the idea, and the rows of `vary:`, with their spreads."""
    wanted = [column.strip().partition(" as ") for column in columns.split(",")]
    known = _recipe(topic, recipe).get("measured") or {}
    rows = {"as the recipe says": "", "without the idea": "without."}
    rows |= {row.replace("=", " = "): f"vary.{row}." for row in known.get("vary", {})}
    once = _is_of_one_seed(topic, recipe, "")
    lines = [
        f"| {'one seed' if once else ''} | " + " | ".join(words or name for name, _, words in wanted) + " |"
    ]
    lines.append("|---|" + "---|" * len(wanted))
    for title, before in rows.items():
        if before != "without." or known.get("without"):
            cells = [_cell(topic, recipe, before + name) for name, _, _ in wanted]
            alone = ", one seed" if not once and _is_of_one_seed(topic, recipe, before) else ""
            lines.append(f"| {title}{alone} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(topic: str, recipe: str, figure: str) -> str:
    value, ends = _value(topic, recipe, figure), spread(topic, recipe, figure)
    if value is None:
        return "-"
    told = _told(value)
    alone = ends in (NOT_MEASURED, f"{told} to {told}") or _is_of_one_seed(topic, recipe, figure)
    return told if alone else f"{told} ({ends})"


def _value(topic: str, recipe: str, figure: str) -> Any:
    """What `measured:` holds under a dotted name; the name of a row may have dots of its own."""
    return _within(_recipe(topic, recipe).get("measured"), figure.split("."))


def _within(held: Any, keys: list[str]) -> Any:
    if not keys:
        return held
    for n in range(1, len(keys) + 1) if isinstance(held, dict) else ():
        name = ".".join(keys[:n])
        if name in held and (found := _within(held[name], keys[n:])) is not None:
            return found
    return None


def _combined(kind: str, one: float, other: float) -> float:
    return one - other if kind == "gap" else one / other


def _told(value: Any) -> str:
    if not isinstance(value, int | float):
        return str(value)
    return f"{value:,.0f}" if abs(value) >= 1000 or isinstance(value, int) else f"{value:.3g}"


def _of_one_seed(topic: str, recipe: str, figure: str) -> str:
    """Said of a figure of which nobody knows how far it strays."""
    return " (one seed)" if figure not in _CERTAIN and _is_of_one_seed(topic, recipe, figure) else ""


def _is_of_one_seed(topic: str, recipe: str, figure: str) -> bool:
    """Whether a figure has one seed; the rows of `vary` may have fewer than the run (`verify --rows`)."""
    fewer = _value(topic, recipe, "vary_seeds") if figure.startswith("vary.") else None
    seeds = fewer or _value(topic, recipe, "seeds")
    return bool(seeds == 1 or (isinstance(seeds, list) and len(seeds) == 1))


@cache
def _recipe(topic: str, recipe: str) -> dict[str, Any]:
    places = (paths.recipes_dir() / topic, paths.content_dir() / topic / "measured")
    path = next((found for place in places if (found := place / f"{recipe}.yaml").is_file()), None)
    if path is None:
        return {}
    loaded = documents.parse(path.read_text(encoding="utf-8"))
    return loaded if isinstance(loaded, dict) else {}
