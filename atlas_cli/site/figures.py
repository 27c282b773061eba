"""Diagrams on the pages: those that the text places, and the others of a topic.

An explorable carries all its frames, so it stands on the page of its first topic alone; the pages of its
other topics link to it there.
"""

from __future__ import annotations

from functools import cache
from html import escape

from atlas_cli import catalog
from atlas_cli.catalog import Family, Topic
from atlas_cli.diagrams import blocks, gallery
from atlas_cli.diagrams.frames import Explorable
from atlas_cli.diagrams.model import Diagram
from atlas_cli.diagrams.web import computing
from atlas_cli.diagrams.web import page as web_page
from atlas_cli.pages.directives import needs_run, told
from atlas_cli.site import address


def figure(subject: Topic | Family, name: str, alone: bool = False) -> str:
    """The diagram of that name; `alone`: with all that it needs, for a page that is one file."""
    found = gallery.find(subject, name)
    if needs_run(found):
        return f'<p class="note">{escape(told(found))}</p>'
    title = f"<h3>{escape(found.title)}</h3>"
    return f'<div class="diagram">\n{title}\n{_fragment(found.family, found.name, alone)}\n</div>'


def has_knobs(subject: Topic | Family, name: str) -> bool:
    """Whether the reader turns a diagram, or steps through it."""
    return isinstance(gallery.find(subject, name), Explorable)


def opening(subject: Topic | Family, name: str, alone: bool = False) -> str:
    """The diagram that a page opens with, before its text."""
    found = gallery.find(subject, name)
    title = f"<h2>{escape(found.title)}</h2>"
    return f'<div class="diagram opening">\n{title}\n{_fragment(found.family, found.name, alone)}\n</div>'


def pointer(subject: Topic | Family, name: str) -> str:
    """A line in the text that leads up to the diagram that the page opened with."""
    found = gallery.find(subject, name)
    return f'<p class="pointer"><a href="#{found.family}-{found.name}">↑ {escape(found.title)}</a></p>'


def own(topic: Topic) -> list[str]:
    """The diagrams that stand on a topic's page."""
    stepped = [diagram.name for diagram in blocks.diagrams_of(topic)]
    return stepped + [e.name for e in gallery.explorables_of(topic) if e.topics[0] == topic.slug]


def lead(topic: Topic) -> str | None:
    """The diagram that a topic's page opens with."""
    shown = [e for e in gallery.explorables_of(topic) if e.topics[0] == topic.slug]
    first = next((e for e in shown if e.opens), shown[0] if shown else None)
    return first.name if first else next(iter(own(topic)), None)


def standing(topic: Topic) -> list[Diagram | Explorable]:
    """The diagrams themselves."""
    return [gallery.find(topic, name) for name in own(topic)]


def elsewhere(topic: Topic) -> list[tuple[Topic, str, str]]:
    """The explorables of a topic that stand on another topic's page: that topic, their anchor and title."""
    found: list[Explorable] = [e for e in gallery.explorables_of(topic) if e.topics[0] != topic.slug]
    return [(catalog.resolve(e.topics[0]), f"{e.family}-{e.name}", e.title) for e in found]


def yours(topic: Topic) -> list[Explorable]:
    """Those that a run of the reader's own can draw."""
    return [shown for shown in gallery.from_runs(topic) if shown.topics[0] == topic.slug]


@cache
def _fragment(family: str, name: str, alone: bool) -> str:
    """Frames take a while to compute, and are the same wherever they are shown."""
    found = gallery.find(catalog.resolve_family(family), name)
    if isinstance(found, Diagram) or not found.network or alone:
        return web_page.fragment(found)
    here = address.path_of(catalog.resolve(found.topics[0]))
    return web_page.fragment(found, computing=address.relative(address.network_path(found.network), here))


def networks() -> dict[str, str]:
    """The scripts with the networks that pages compute with, by their paths."""
    shown = (e for family in catalog.families() for e in gallery.explorables_of(family) if e.network)
    return {address.network_path(e.network): computing.script(e) for e in shown}
