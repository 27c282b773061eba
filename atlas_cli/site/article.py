"""The page of a topic or a family: title, quick facts, chapter, diagrams, and what is still missing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from html import escape
from typing import NamedTuple

from atlas_cli import catalog
from atlas_cli.catalog import Family, Topic
from atlas_cli.exercises import find
from atlas_cli.exercises.model import Exercise
from atlas_cli.pages import quiz
from atlas_cli.pages.glossary import Marker
from atlas_cli.pages.html import REFERENCES, HtmlRenderer, anchor, n_references
from atlas_cli.pages.source import Page, facts_of
from atlas_cli.site import address, figures, finished, glossary, guesses, links

_PLACED = re.compile(r"\{\{\s*diagram\s+([\w-]+)\s*\}\}")
DIAGRAMS = "Diagrams"
EXERCISES = "Exercises"
TRY_IT = "Try it"


class Places(NamedTuple):
    """Where the other pages are, seen from this one; without `here` there are none, the page stands alone."""

    here: str | None

    def link(self, subject: Topic | Family, text: str | None = None) -> str:
        """A link to a page, or its name where that page is not at hand."""
        name = escape(text or subject.title)
        if self.here is None:
            return f'<span title="atlas explain {subject.slug}">{name}</span>'
        return f'<a href="{address.relative(address.path_of(subject), self.here)}">{name}</a>'

    def link_slugs(self, text: str, marker: Marker) -> str:
        """The text with the slugs of topics in it as links, and the words of the glossary between them."""
        topics = {topic.slug: topic for topic in catalog.topics()}
        pieces = re.split(rf"(?<![\w-])({'|'.join(topics)})(?![\w-])", text)
        return "".join(self.link(topics[p]) if p in topics else marker(escape(p)) for p in pieces)

    def of_link(self, target: str) -> str | None:
        """The address behind a link of the Markdown."""
        return None if self.here is None else address.of_link(target, self.here)

    def link_commands(self, html: str) -> str:
        """The HTML with commands that draw a diagram as links to it, where the other pages are at hand."""
        here = self.here
        return html if here is None else links.linked(html, lambda target: address.relative(target, here))


def article(page: Page, places: Places) -> str:
    """Everything between the header and the footer."""
    subject = page.subject
    marker = Marker(subject, glossary.link(places.here))
    lead, alone = opening_diagram(page), places.here is None

    def draw(name: str) -> str:
        if name == lead:
            return figures.pointer(subject, name)
        return figures.figure(subject, name, alone)

    renderer = HtmlRenderer(
        draw, places.of_link, subject.slug, page.family.slug, marker, lambda: guesses.form(subject, marker)
    )
    cited = sum(n_references(section.markdown) for section in page.sections if section.title == REFERENCES)
    parts = [_title(page, places)]
    if lead:
        parts.append(figures.opening(subject, lead, alone))
    if page.opening:
        parts.append(f'<div class="lead">\n{renderer.render(page.opening, cited)}\n</div>')
    if page.whole:
        parts.append(_missing(page, places))
    if isinstance(subject, Topic) and page.whole:
        parts.append(_facts(subject, places, marker))
    if isinstance(subject, Family) and page.whole:
        parts.append(_topics(subject, places, marker))
    written = {section.title: section.markdown for section in page.sections}
    made = {DIAGRAMS: _more_diagrams, EXERCISES: _exercises}
    for title in titles(page):
        parts.append(
            renderer.section(title, written[title], cited) if title in written else made[title](page)
        )
    parts += _at_the_end(page, places) if page.whole else []
    if places.here is None:
        parts.append(glossary.of_page(marker.used))
    return f'<article class="prose">\n{places.link_commands(_lines(filter(None, parts)))}\n</article>'


def _at_the_end(page: Page, places: Places) -> list[str]:
    """The ways on from a topic."""
    subject = page.subject
    if isinstance(subject, Family):
        return []
    return [_other_diagrams(subject, places), _of_your_run(subject), _leads_to(subject, places)]


def opening_diagram(page: Page) -> str | None:
    """The diagram that stands before all else on a page; of a family, the first with knobs in its text."""
    if not page.whole:
        return None
    if isinstance(page.subject, Topic):
        return figures.lead(page.subject)
    placed = (name for section in page.sections for name in _PLACED.findall(section.markdown))
    return next((name for name in placed if figures.has_knobs(page.subject, name)), None)


def titles(page: Page) -> list[str]:
    """The headings of a page in order; beside what to try, diagrams that no text places, and exercises."""
    listed = [section.title for section in page.sections]
    place = listed.index(TRY_IT) if TRY_IT in listed else len(listed)
    if exercises_on(page):
        listed.insert(place + 1, EXERCISES)
    if unplaced(page):
        listed.insert(place, DIAGRAMS)
    return listed


def exercises_on(page: Page) -> list[Exercise]:
    """The exercises of a topic, which stand on its whole page."""
    return find.of(page.subject) if isinstance(page.subject, Topic) and page.whole else []


def unplaced(page: Page) -> list[str]:
    """Diagrams of a topic that its text does not show."""
    if isinstance(page.subject, Family) or not page.whole:
        return []
    placed = {
        opening_diagram(page),
        *_PLACED.findall("\n".join([page.opening, *(s.markdown for s in page.sections)])),
    }
    return [name for name in figures.own(page.subject) if name not in placed]


def has_diagrams(page: Page) -> bool:
    """Whether any diagram stands on the page."""
    texts = [page.opening, *(section.markdown for section in page.sections)]
    return bool(opening_diagram(page) or unplaced(page)) or any(_PLACED.search(text) for text in texts)


def _title(page: Page, places: Places) -> str:
    family, subject = page.family, page.subject
    if isinstance(subject, Family):
        above, under = f"Family {family.number} of {len(catalog.families())}", subject.line
    else:
        above, under = f"{family.number:02} · {places.link(family)}", escape(subject.name)
    says_more = catalog.normalise(subject.title) != catalog.normalise(under)
    return (
        f'<header>\n<p class="eyebrow">{above}</p>\n<h1>{escape(subject.title)}</h1>\n'
        + f'<p class="under">{under}</p>\n' * says_more
        + "</header>"
    )


def _facts(topic: Topic, places: Places, marker: Marker) -> str:
    special: dict[str, Callable[[str], str]] = {
        "Idea": lambda text: marker(escape(text)),
        "Cost": lambda text: marker(escape(text)),
        "Builds on": lambda _: ", ".join(places.link(catalog.resolve(slug)) for slug in topic.builds_on),
        "Read it": lambda text: _paper(topic, text),
        "Replaces": lambda text: places.link_slugs(text, marker),
        "Replaced by": lambda text: places.link_slugs(text, marker),
    }
    rows = (
        f"<dt>{label}</dt><dd>{special.get(label, escape)(text)}</dd>"
        for label, text in facts_of(topic).items()
    )
    return f'<dl class="quick">\n{_lines(rows)}\n</dl>'


def _paper(topic: Topic, text: str) -> str:
    if topic.link is None:
        return escape(text)
    label = f"arXiv:{topic.arxiv}" if topic.arxiv and not topic.url else topic.link.split("://")[1]
    return f'<a href="{escape(topic.link)}">{escape(label)}</a>'


def _topics(family: Family, places: Places, marker: Marker) -> str:
    rows = (
        f'<li><span class="year">{topic.year}</span><div>{places.link(topic)}{_badge(topic)}'
        f"<p>{marker(escape(topic.idea))}</p></div></li>"
        for topic in family.topics
    )
    asked = ""
    if quiz.exists(family) and places.here is not None:
        target = address.relative(address.quiz_path(family), places.here)
        count = len(quiz.load(family).questions)
        on = "on what you have understood." if finished.is_finished(family) else "each answer with its why."
        asked = f'<p><a href="{target}">Take the quiz</a>: {count} questions, {on}</p>\n'
    return (
        f'<section id="topics" aria-label="Topics">\n<ol class="topics">\n{_lines(rows)}\n</ol>\n'
        f"{asked}</section>"
    )


def _badge(topic: Topic) -> str:
    return '<span class="badge">● trains on a laptop</span>' if catalog.recipes_of(topic) else ""


def _more_diagrams(page: Page) -> str:
    drawn = _lines(figures.figure(page.subject, name) for name in unplaced(page))
    name = anchor(DIAGRAMS)
    return (
        f'<section id="{name}" aria-labelledby="{name}-title">\n<h2 id="{name}-title">{DIAGRAMS}</h2>\n'
        f"{drawn}\n</section>"
    )


def _exercises(page: Page) -> str:
    rows = _lines(
        f"<li>{escape(exercise.title)}<code>atlas exercise start {escape(exercise.full_name)}</code></li>"
        for exercise in exercises_on(page)
    )
    name = anchor(EXERCISES)
    return (
        f'<section id="{name}" aria-labelledby="{name}-title">\n<h2 id="{name}-title">'
        f'<a class="anchor" href="#{name}">{EXERCISES}</a></h2>\n'
        f'<div class="exercises">\n<p>Write the lines that hold the idea; they are judged as you write.</p>\n'
        f"<ul>\n{rows}\n</ul>\n</div>\n</section>"
    )


def _other_diagrams(topic: Topic, places: Places) -> str:
    """Diagrams of this topic that stand on the page of another."""
    found = figures.elsewhere(topic)
    if places.here is None or not found:
        return ""
    links = (
        f'<a href="{address.relative(address.path_of(other), places.here)}#{name}">{escape(title)}</a>'
        f" ({escape(other.title)})"
        for other, name, title in found
    )
    return f"<p><b>See also:</b> {', '.join(links)}.</p>"


def _of_your_run(topic: Topic) -> str:
    """Diagrams that the reader draws from a run of their own."""
    items = (
        f"<code>atlas diagram {topic.slug} {escape(shown.name)} --run latest</code> ({escape(shown.title)})"
        for shown in figures.yours(topic)
    )
    listed = ", ".join(items)
    return f"<p><b>From a run of yours:</b> {listed}.</p>" if listed else ""


def _missing(page: Page, places: Places) -> str:
    """What is not there yet, said plainly, and the way to the nearest page that is whole."""
    subject = page.subject
    missing = [] if page.sections else ["chapter"]
    if isinstance(subject, Topic) and not catalog.recipes_of(subject):
        missing.append("trainer")
    if not missing:
        return ""
    verb = "are" if len(missing) > 1 else "is"
    note = f"The {' and the '.join(missing)} of {escape(subject.title)} {verb} not written yet."
    near = finished.nearest(subject)
    way = f" The nearest that is finished: {places.link(near)}. {escape(near.idea)}" if near else ""
    return f'<p class="note">{note}{way}</p>'


def _leads_to(topic: Topic, places: Places) -> str:
    """What builds on it: the way on."""
    later = [entry for entry in catalog.topics() if topic.slug in entry.builds_on]
    if not later:
        return ""
    links = ", ".join(f"{places.link(entry)} ({entry.year})" for entry in sorted(later, key=_by_year))
    return f"<p><b>Builds on it:</b> {links}.</p>"


def _by_year(topic: Topic) -> tuple[int, str]:
    return topic.year, topic.title


def _lines(parts: Iterable[str]) -> str:
    return "\n".join(parts)
