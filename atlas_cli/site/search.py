"""The search index: a script, since pages that are opened from a folder may not fetch data.

An entry is a place to go: a page, a section of one, a diagram, a question of a quiz, or a word that is
explained somewhere. Whoever makes another kind of page gives `script` its entries; what a kind weighs stands
in assets/scripts/rank.js.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from html import unescape
from typing import Literal, NamedTuple

from atlas_cli.catalog import Family, Topic
from atlas_cli.pages import quiz
from atlas_cli.pages.html import REFERENCES, HtmlRenderer, anchor
from atlas_cli.pages.source import Page
from atlas_cli.site import figures
from atlas_cli.site.address import path_of, question_path

_NOT_TEXT = re.compile(r"<(svg|script|style|figure)\b.*?</\1>", re.DOTALL)
_BLOCK_END = re.compile(r"</(?:p|li|td|th|tr|h\d|pre|div)>")
_TAG = re.compile(r"<[^>]+>")
_BLANKS = re.compile(r"\s+")

Kind = Literal["page", "section", "references", "diagram", "question", "word"]


class Entry(NamedTuple):
    """One thing that can be found; its text is plain, and shown in part where it is found."""

    kind: Kind
    address: str  # from the site's root
    title: str
    where: str  # the page or the family that it belongs to
    names: str  # other names, between " · "
    text: str


def entries(page: Page) -> list[Entry]:
    """What can be found on a page: itself, its sections and its diagrams."""
    subject, family = page.subject, page.family
    renderer = HtmlRenderer(lambda name: "", lambda target: None, subject.slug)
    path = path_of(subject)
    about = subject.line if isinstance(subject, Family) else f"{subject.name}. {subject.idea}"
    text = f"{about} {plain_text(renderer.render(page.opening))}"
    found = [Entry("page", path, subject.title, family.title, _names(subject), text.strip())]
    for section in page.sections:
        kind: Kind = "references" if section.title == REFERENCES else "section"
        body = plain_text(renderer.render(section.markdown))
        found.append(Entry(kind, f"{path}#{anchor(section.title)}", section.title, subject.title, "", body))
    return [*found, *(_diagrams(subject) if isinstance(subject, Topic) else ())]


def questions(family: Family) -> list[Entry]:
    """The questions of a family's quiz, without their answers: those are for the reader to find."""
    if not quiz.exists(family):
        return []
    renderer = HtmlRenderer(lambda name: "", lambda target: None, f"the quiz on {family.slug}")
    return [
        Entry(
            "question", question_path(family, number), f"Question {number}", f"Quiz: {family.title}",
            "", plain_text(renderer.inline(question.ask)),
        )
        for number, question in enumerate(quiz.load(family).questions, start=1)
    ]  # fmt: skip


def word(address: str, title: str, says: str, also: Iterable[str] = ()) -> Entry:
    """A word of the trade, at the place that explains it."""
    return Entry("word", address, title, "Glossary", " · ".join(also), says)


def script(found: Iterable[Entry]) -> str:
    """The script that sets `window.atlasIndex`."""
    rows = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in found)
    return f"window.atlasIndex = [\n{rows}\n];\n"


def plain_text(html: str) -> str:
    """The words of some HTML."""
    text = _TAG.sub("", _BLOCK_END.sub(" ", _NOT_TEXT.sub(" ", html)))
    return _BLANKS.sub(" ", unescape(text)).strip()


def _diagrams(topic: Topic) -> Iterator[Entry]:
    for shown in figures.standing(topic):
        steps = " ".join(step.say for step in getattr(shown, "steps", ()))
        knobs = [knob.label for knob in getattr(shown, "knobs", ())]
        yield Entry(
            "diagram", f"{path_of(topic)}#{shown.family}-{shown.name}", shown.title, topic.title,
            " · ".join([shown.name, *knobs]), f"{shown.question} {steps}".strip(),
        )  # fmt: skip


def _names(subject: Topic | Family) -> str:
    names = list(subject.names())
    if isinstance(subject, Topic):
        names += [subject.authors, subject.paper, str(subject.year), *subject.tags]
    return " · ".join(names)
