"""What somebody may want to learn: the goals of content/goals.yaml, a family, a topic, or everything."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from atlas_cli import catalog, documents
from atlas_cli.catalog import Family, Topic
from atlas_cli.errors import DataError, UsageError
from atlas_cli.learner.progress import Progress


class Goal(NamedTuple):
    """Topics that belong together for somebody; what they build on is not among them."""

    slug: str
    title: str
    topics: tuple[Topic, ...]
    aliases: tuple[str, ...] = ()

    def names(self) -> Iterator[str]:
        """Everything that a reader may call it."""
        yield from (self.slug, self.title, *self.aliases)


def everything() -> Goal:
    """The whole map, in reading order."""
    return Goal("everything", "Everything", catalog.topics(), ("all", "the map"))


@cache
def written() -> tuple[Goal, ...]:
    """The goals of content/goals.yaml.

    Raises:
        DataError: it cannot be used.
    """
    path = catalog.content_root() / "goals.yaml"
    of = {family.slug: family for family in catalog.families()}
    try:
        entries = documents.parse(path.read_text(encoding="utf-8"))["goals"]
        return tuple(
            Goal(
                entry["slug"], entry["title"],
                tuple(topic for slug in entry["families"] for topic in of[slug].topics),
                tuple(entry.get("aliases") or ()),
            )
            for entry in entries
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: {error!r}", "reinstall atlas, or restore the file") from error


def called(name: str) -> Goal:
    """The goal of that name; where a family goes by it as well, the wider one.

    Raises:
        UsageError: nothing goes by it.
    """
    key = catalog.normalise(name)
    for goal in (everything(), *written()):
        if key in map(catalog.normalise, goal.names()):
            return goal
    subject = catalog.resolve_any(name, "learn")
    return Goal(subject.slug, subject.title, subject.topics if isinstance(subject, Family) else (subject,))


def of(progress: Progress) -> Goal:
    """The goal that was chosen; everything, where none was or it is gone."""
    chosen = progress.settings.get("goal")
    try:
        return called(chosen) if isinstance(chosen, str) else everything()
    except UsageError:
        return everything()
