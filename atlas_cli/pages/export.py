"""Pages that leave the atlas: Markdown with everything filled in, and a document for scripts."""

from __future__ import annotations

from typing import Any

from atlas_cli import catalog
from atlas_cli.catalog import Family, Topic
from atlas_cli.diagrams import gallery
from atlas_cli.exercises import find
from atlas_cli.pages import guess
from atlas_cli.pages.directives import fill_diagrams
from atlas_cli.pages.source import FACTS_SECTION, Page, facts_of


def as_markdown(page: Page) -> str:
    """The page as one Markdown text, its figures and diagrams in place."""
    parts = [f"# {page.subject.title}"]
    if page.whole and isinstance(page.subject, Topic):
        facts = "\n".join(f"- **{label}:** {value}" for label, value in facts_of(page.subject).items())
        parts.append(f"## {FACTS_SECTION}\n\n{facts}")
    if page.opening:
        parts.append(page.opening)
    elif page.whole and isinstance(page.subject, Family):
        parts.append(page.subject.line)
    parts += [f"## {section.title}\n\n{section.markdown}" for section in page.sections]
    if page.whole and isinstance(page.subject, Topic) and (exercises := find.of(page.subject)):
        rows = (f"- {e.title}: `atlas exercise start {e.full_name}`" for e in exercises)
        parts.append("## Exercises\n\n" + "\n".join(rows))
    return _filled("\n\n".join(parts), page.subject) + "\n"


def as_dict(page: Page) -> dict[str, Any]:
    """The page for `--format json`."""
    subject = page.subject
    topic = subject if isinstance(subject, Topic) else None
    return {
        "topic": topic.slug if topic else None,
        "family": page.family.slug,
        "title": subject.title,
        "facts": _facts(topic) if topic else {"line": page.family.line, "number": page.family.number},
        "summary": _filled(page.opening, subject),
        "chapter": bool(page.sections),
        "sections": [
            {"title": section.title, "markdown": _filled(section.markdown, subject)}
            for section in page.sections
        ],
        "topics": [] if topic else [t.slug for t in page.family.topics],
        "diagrams": [diagram.name for diagram in gallery.diagrams_of(subject)],
        "recipes": list(catalog.recipes_of(topic)) if topic else [],
        "exercises": [exercise.full_name for exercise in find.of(subject)] if topic else [],
    }


def _filled(markdown: str, subject: Topic | Family) -> str:
    return fill_diagrams(guess.fill(markdown, subject), subject)


def _facts(topic: Topic) -> dict[str, Any]:
    keys = (
        "name", "year", "authors", "paper", "arxiv", "venue", "link", "idea", "cost", "replaces",
        "replaced_by", "aliases", "tags", "builds_on",
    )  # fmt: skip
    facts = {key: getattr(topic, key) for key in keys}
    return {key: value for key, value in facts.items() if value is not None}
