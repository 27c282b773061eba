"""A page as it lies in content/: the facts, the opening paragraphs, and the sections of the chapter."""

from __future__ import annotations

import re
from typing import NamedTuple

from atlas_cli import catalog
from atlas_cli.catalog import Family, Topic
from atlas_cli.errors import UsageError
from atlas_cli.pages.directives import fill_figures

_HEADING = r"^{}\s+(.+?)\s*#*\s*$"
_FENCE = re.compile(r"^ {0,3}(```|~~~)")
FACTS_SECTION = "Quick facts"


class Section(NamedTuple):
    """One titled part of a chapter; `markdown` is without its heading."""

    title: str
    markdown: str


class Page(NamedTuple):
    """A page; without sections its chapter is not written yet."""

    subject: Topic | Family
    opening: str  # Markdown before the first section
    sections: tuple[Section, ...]
    whole: bool = True  # False for one section of it

    @property
    def family(self) -> Family:
        return self.subject if isinstance(self.subject, Family) else catalog.family_of(self.subject)

    def only(self, title: str) -> Page:
        """The page with the one section that `title` names: exactly, or by its beginning.

        A part of a section, under a heading of the third level, is found as well; sections come first.

        Raises:
            UsageError: nothing fits.
        """
        slug = self.subject.slug
        if not self.sections:
            raise UsageError(f"the chapter on {slug} is not written yet", f"atlas explain {slug}")
        parts = [part for section in self.sections for part in _split(section.markdown, "###")[1:]]
        key = catalog.normalise(title)
        found: dict[str, Section] = {}
        for among in (self.sections, parts):
            found |= {catalog.normalise(one.title): one for one in among} | found
            begun = [name for name in found if name.startswith(key)]
            chosen = key if key in found else begun[0] if len(begun) == 1 else None
            if chosen is not None:
                break
        if chosen is None:
            near = catalog.closest(key, {name: one.title for name, one in found.items()}, n=1)
            listed = ", ".join(section.title for section in self.sections)
            example = f'atlas explain {slug} --section "{near[0] if near else self.sections[0].title}"'
            raise UsageError(
                f"the page {slug} has no section {title!r}; it has: {listed}",
                f"{'did you mean' if near else 'for example'}: {example}",
            )
        return self._replace(opening="", sections=(found[chosen],), whole=False)


def read_page(subject: Topic | Family) -> Page:
    """The page of a topic, or of a family (content/<family>/index.md where it is written)."""
    path = subject.path / "index.md" if isinstance(subject, Family) else subject.path
    if isinstance(subject, Family) and not path.is_file():
        return Page(subject, "", ())
    text = path.read_text(encoding="utf-8")
    body = catalog.split_front_matter(text, path)[1] if text.startswith("---") else text
    opening, *sections = _split(fill_figures(body, subject))
    return Page(subject, opening.markdown, tuple(sections))


def facts_of(topic: Topic) -> dict[str, str]:
    """A topic's quick facts, by label, in the order in which they are shown."""
    facts = {
        "Idea": topic.idea,
        "Year": str(topic.year),
        "Paper": topic.paper,
        "Authors": topic.authors,
        "Read it": topic.link or topic.venue,
        "Cost": topic.cost,
        "Builds on": ", ".join(topic.builds_on),
        "Replaces": topic.replaces,
        "Replaced by": topic.replaced_by,
        "Also called": ", ".join(topic.aliases),
    }
    return {label: value for label, value in facts.items() if value}


def _split(markdown: str, level: str = "##") -> list[Section]:
    """Cut at headings of a level outside code; the first part has no title."""
    begins = re.compile(_HEADING.format(level))
    parts: list[tuple[str, list[str]]] = [("", [])]
    fence = ""
    for line in markdown.splitlines():
        mark = _FENCE.match(line)
        if mark and not fence:
            fence = mark[1]
        elif mark and mark[1] == fence:
            fence = ""
        heading = None if fence else begins.match(line)
        if heading:
            parts.append((heading[1], []))
        else:
            parts[-1][1].append(line)
    return [Section(title, "\n".join(lines).strip()) for title, lines in parts]
