"""What a page may ask the atlas to put in place: `{{ figure small.class_accuracy }}`, `{{ diagram NAME }}`.

A figure is replaced in the Markdown itself, so that it works inside a sentence or a table; a diagram is a
paragraph of its own and is drawn by whoever renders the page.
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
_FIGURE = re.compile(r"\{\{\s*figure\s+(?:([\w-]+)/)?([\w-]+)\.([\w.-]+)\s*\}\}")
_DIAGRAM = re.compile(r"\{\{\s*diagram\s+([\w-]+)\s*\}\}")


def fill_figures(markdown: str, subject: Topic | Family) -> str:
    """Replace every figure by what the recipe's `measured:` says.

    On a topic's page `small.loss` means its own recipe; `ddpm/small.loss` names another topic's.
    """

    def figure(match: re.Match[str]) -> str:
        return measured(match[1] or subject.slug, match[2], match[3])

    return _FIGURE.sub(figure, markdown)


def diagram_named(paragraph: str) -> str | None:
    """The diagram that a paragraph stands for, if that is all it says."""
    match = _DIAGRAM.fullmatch(paragraph.strip())
    return match[1] if match else None


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
    value: Any = _recipe(topic, recipe).get("measured")
    for key in figure.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    if value is None:
        return NOT_MEASURED
    if not isinstance(value, int | float):
        return str(value)
    return f"{value:,.0f}" if abs(value) >= 1000 or isinstance(value, int) else f"{value:.3g}"


@cache
def _recipe(topic: str, recipe: str) -> dict[str, Any]:
    path = paths.recipes_dir() / topic / f"{recipe}.yaml"
    if not path.is_file():
        return {}
    loaded = documents.parse(path.read_text(encoding="utf-8"))
    return loaded if isinstance(loaded, dict) else {}
