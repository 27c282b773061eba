"""Which pages are finished, and where one that is not can send its reader."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from atlas_cli import catalog
from atlas_cli.catalog import Family, Topic
from atlas_cli.pages.source import read_page


@cache
def is_finished(subject: Topic | Family) -> bool:
    """Whether its chapter is written."""
    return bool(read_page(subject).sections)


def nearest(subject: Topic | Family) -> Topic | None:
    """The finished topic that is fewest steps of descent away, forebears before what came of it."""
    return next((topic for topic in _around(subject) if is_finished(topic)), None)


def _around(subject: Topic | Family) -> Iterator[Topic]:
    """Topics by their distance: of the same number of steps, those it builds on first; then all others."""
    every = {topic.slug: topic for topic in catalog.topics()}
    start = list(subject.topics) if isinstance(subject, Family) else [subject]
    ring, seen = start, {topic.slug for topic in start}
    if isinstance(subject, Family):
        yield from start
    while ring:
        slugs = [slug for topic in ring for slug in topic.builds_on]
        slugs += [other.slug for other in every.values() if any(t.slug in other.builds_on for t in ring)]
        ring = [every[slug] for slug in dict.fromkeys(slugs) if slug not in seen]
        seen.update(topic.slug for topic in ring)
        yield from ring
    yield from (topic for topic in every.values() if topic.slug not in seen)
