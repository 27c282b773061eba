"""Make anew what the atlas ships so that a first start is quick: `make frames`.

That is what the YAML of its pages, recipes and diagrams holds, the trees of the pages' Markdown, what the
explorables show first, and the diagrams as they stand in the pages' text.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from atlas_cli import catalog, documents, paths
from atlas_cli.catalog import Family, Topic
from atlas_cli.diagrams import gallery, shipped
from atlas_cli.pages import drawn, guess, markdown
from atlas_cli.pages.compose import diagram
from atlas_cli.pages.directives import diagrams_in
from atlas_cli.pages.source import Page, read_page
from atlas_cli.screen.lines import Lines


def subjects() -> Iterator[Topic | Family]:
    """All that has a page."""
    for family in catalog.families():
        yield family
        yield from family.topics


def texts(page: Page) -> list[str]:
    """The pieces in which a page is rendered."""
    asked = guess.of(page.subject)
    written = [page.opening, *(section.markdown for section in page.sections)]
    return [*filter(None, written), *(guess.texts(asked) if asked else ())]


def yamls() -> list[str]:
    """The atlas's own YAML."""
    content, recipes = paths.content_dir(), paths.recipes_dir()
    fronts = [catalog.front_matter(page.read_text(encoding="utf-8")) for page in content.glob("*/*.md")]
    found = (content / "atlas.yaml", *content.glob("*/diagrams/*.yaml"), *recipes.glob("*/*.yaml"))
    return [*filter(None, fronts), *(file.read_text(encoding="utf-8") for file in found)]


def drawings(page: Page) -> Iterator[tuple[str, int, bool, Lines]]:
    """The diagrams in a page's text, as terminals show them."""
    for name in dict.fromkeys(name for text in texts(page) for name in diagrams_in(text)):
        for width, colour in product(drawn.WIDTHS, (False, True)):
            yield name, width, colour, diagram(page.subject, name, width, colour)


def main() -> None:
    """Write all of it."""
    documents.ship(yamls())
    named: dict[tuple[str, str], list[str]] = {}  # a family and a topic of it may have one name
    for page in map(read_page, subjects()):
        named.setdefault((page.family.slug, page.subject.slug), []).extend(texts(page))
    for (family_slug, slug), found in named.items():
        markdown.ship(found, family_slug, slug)
    for family in catalog.families():
        for explorable in gallery.explorables_of(family):
            # A heavy one is not drawn while a page is read; a pinned one is at hand.
            if not (explorable.heavy or explorable.packed):
                shipped.write(explorable)
    shown: dict[tuple[str, str], list[tuple[str, int, bool, Lines]]] = {}
    for page in map(read_page, subjects()):
        shown.setdefault((page.family.slug, page.subject.slug), []).extend(drawings(page))
    for (family_slug, slug), lines in shown.items():
        drawn.ship(lines, family_slug, slug)


if __name__ == "__main__":
    main()
