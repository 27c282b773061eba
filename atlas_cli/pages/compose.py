"""A page for the terminal: title, quick facts, chapter, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.text import Text

from atlas_cli import catalog
from atlas_cli.catalog import Family, Topic
from atlas_cli.diagrams import blocks
from atlas_cli.pages import drawn, guess
from atlas_cli.pages.directives import only_named, told
from atlas_cli.pages.source import Page, facts_of
from atlas_cli.pages.text import Renderer
from atlas_cli.screen.lines import Lines, hang, indent, pairs, wrap

if TYPE_CHECKING:
    from atlas_cli.diagrams.frames import Explorable
    from atlas_cli.diagrams.model import Diagram

_MARGIN = 2


def compose(page: Page, width: int, answered: bool = True) -> Lines:
    """Everything that `atlas explain` prints for a page.

    Args:
        page: The page, or a part of it.
        width: Columns for running text; diagrams are drawn within them too.
        answered: Whether its guess stands there with the answer, or with the command that takes it.
    """
    renderer = Renderer(
        width, lambda name, room: _diagram(page, name, room), page.subject.slug, page.family.slug,
        lambda room: _guess(page, room, answered),
    )  # fmt: skip
    parts = [_title(page.subject, width)]
    if page.whole and isinstance(page.subject, Topic):
        parts.append(_facts(page.subject, width))
    parts.append(renderer.render(page.opening))
    if page.whole and isinstance(page.subject, Family):
        parts.append(_topics(page.subject, width))
    for section in page.sections:
        parts += [[Text(section.title, "atlas.head")], renderer.render(section.markdown)]
    parts.append(renderer.references())
    if page.whole and isinstance(page.subject, Topic):
        parts.append(_exercises(page.subject, width))
    parts += [_missing(page, width), _next(page, width)]
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
    from atlas_cli.screen.terminal import ascii_only, out

    colour = out.color_system is not None
    ready = None if ascii_only() else drawn.lines(page.subject, name, width, colour)
    return diagram(page.subject, name, width, colour) if ready is None else ready


def diagram(subject: Topic | Family, name: str, width: int, colour: bool) -> Lines:
    """A diagram in a page's text, drawn; of one that takes a run or much time, how it is drawn."""
    from atlas_cli.diagrams import gallery

    found = gallery.find(subject, name)
    if only_named(found):
        return wrap(Text(told(found), "atlas.muted"), width)
    from atlas_cli.diagrams.deliver import lines

    return lines(found, width, colour)


def _guess(page: Page, width: int, answered: bool) -> Lines:
    """The question with what there is to choose, and how it is answered."""
    found = guess.of(page.subject)
    if found is None:
        return []
    room = width - _MARGIN

    def rendered(text: str, width: int) -> Lines:
        return Renderer(width, lambda *_: [], page.subject.slug, page.family.slug).render(text)

    lines = rendered(found.ask, room)
    for letter, choice in zip(guess.LETTERS, found.choices, strict=False):
        lines += hang(Text(f"{letter}  ", "atlas.accent"), rendered(choice.say, room - 3), 3)
    if answered:
        head = Text(f"Measured: {found.letter}" if found.letter else "Measured", "bold")
        lines += [Text(), head, *rendered(found.told, room)]
    else:
        command = Text(f"atlas guess {page.subject.slug}", "atlas.code")
        lines += [Text(), *pairs([(command, Text("say it, and see what was measured", "atlas.muted"))], room)]
    return [Text("Guess first", "bold"), *indent(lines, _MARGIN)]


def _exercises(topic: Topic, width: int) -> Lines:
    from atlas_cli.exercises import find

    found = find.of(topic)
    if not found:
        return []
    rows = (
        (Text(f"atlas exercise start {exercise.full_name}", "atlas.code"), Text(exercise.title))
        for exercise in found
    )
    return [Text("Exercises", "atlas.head"), *pairs(rows, width, gap=3)]


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
