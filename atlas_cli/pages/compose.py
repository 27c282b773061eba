"""A page for the terminal: title, quick facts, chapter, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.text import Text

from atlas_cli import catalog
from atlas_cli.catalog import Family, Topic
from atlas_cli.diagrams import blocks
from atlas_cli.pages.directives import only_named, told
from atlas_cli.pages.source import Page, facts_of
from atlas_cli.pages.text import Renderer
from atlas_cli.screen.lines import Lines, indent, pairs, wrap

if TYPE_CHECKING:
    from atlas_cli.diagrams.frames import Explorable
    from atlas_cli.diagrams.model import Diagram

_MARGIN = 2


def compose(page: Page, width: int) -> Lines:
    """Everything that `atlas explain` prints for a page.

    Args:
        page: The page, or a part of it.
        width: Columns for running text; diagrams are drawn within them too.
    """
    renderer = Renderer(
        width, lambda name, room: _diagram(page, name, room), page.subject.slug, page.family.slug
    )
    parts = [_title(page.subject, width)]
    if page.whole and isinstance(page.subject, Topic):
        parts.append(_facts(page.subject, width))
    parts.append(renderer.render(page.opening))
    if page.whole and isinstance(page.subject, Family):
        parts.append(_topics(page.subject, width))
    for section in page.sections:
        parts += [[Text(section.title, "atlas.head")], renderer.render(section.markdown)]
    parts += [renderer.references(), _missing(page, width), _next(page, width)]
    lines = [Text()]
    for part in filter(None, parts):
        lines += [*part, Text()]
    return indent(lines, _MARGIN)


def _title(subject: Topic | Family, width: int) -> Lines:
    family = subject if isinstance(subject, Family) else catalog.family_of(subject)
    where = f"family {family.number} of {len(catalog.families())}"
    under = subject.line if isinstance(subject, Family) else subject.name
    if isinstance(subject, Topic):
        where = f"{family.number:02} {family.title}"
    gap = width - len(subject.title) - len(where)
    head = Text.assemble((subject.title, "atlas.title"), " " * max(gap, 2), (where, "atlas.muted"))
    return [*wrap(head, width), *wrap(Text(under), width), Text("─" * width, "atlas.muted")]


def _facts(topic: Topic, width: int) -> Lines:
    return pairs(
        ((Text(label, "atlas.muted"), Text(value)) for label, value in facts_of(topic).items()), width
    )


def _topics(family: Family, width: int) -> Lines:
    return pairs(((Text(topic.slug, "atlas.accent"), Text(topic.idea)) for topic in family.topics), width)


def _diagram(page: Page, name: str, width: int) -> Lines:
    from atlas_cli.diagrams import gallery

    found = gallery.find(page.subject, name)
    if only_named(found):
        return wrap(Text(told(found), "atlas.muted"), width)
    from atlas_cli.diagrams.deliver import placed

    return placed(found, width)


def _missing(page: Page, width: int) -> Lines:
    """What is not there yet, said plainly."""
    subject = page.subject
    parts = [] if page.sections else ["chapter"]
    if isinstance(subject, Topic) and not catalog.recipes_of(subject):
        parts.append("trainer")
    if not parts:
        return []
    verb = "are" if len(parts) > 1 else "is"
    return wrap(
        Text(f"The {' and the '.join(parts)} of {subject.title} {verb} not written yet. Meanwhile:"), width
    )


def _next(page: Page, width: int) -> Lines:
    rows = ((Text(command, "atlas.code"), Text(what, "atlas.muted")) for command, what in _commands(page))
    return pairs(rows, width, gap=3)


def _first_diagram(topic: Topic) -> Diagram | Explorable | None:
    """What `atlas diagram TOPIC` draws; explorables are looked at where no stepped diagram is there."""
    stepped = blocks.diagrams_of(topic)
    if stepped:
        return stepped[0]
    from atlas_cli.diagrams import gallery

    return next(iter(gallery.explorables_of(topic)), None)


def _commands(page: Page) -> Iterator[tuple[str, str]]:
    """What is worth trying after this page."""
    subject = page.subject
    if isinstance(subject, Family):
        yield f"atlas explain {subject.topics[0].slug}", "one of its topics"
        yield "atlas", "the map of all families"
        return
    if shown := _first_diagram(subject):
        yield f"atlas diagram {subject.slug}", shown.title
    if catalog.recipes_of(subject):
        yield f"atlas train {subject.slug}", "train it here and see whether its claim holds"
        yield f"atlas code {subject.slug}", "its source, written to be read"
    elif subject.builds_on:
        yield f"atlas explain {subject.builds_on[0]}", "what it builds on"
    else:
        suggestion = catalog.first()[0]
        yield f"atlas train {suggestion.topic}", suggestion.why
    family = page.family
    name = f"{family.number:02}" if family.slug == subject.slug else family.slug
    yield f"atlas explain {name}", f"the family: {family.title}"
