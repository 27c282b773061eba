"""Where exercises are found: by their files, of which nothing keeps a list."""

from __future__ import annotations

import importlib
from pathlib import Path

from atlas_cli import catalog
from atlas_cli.catalog import Family, Topic
from atlas_cli.errors import DataError, UsageError, quoted
from atlas_cli.exercises.model import Exercise

_ROOT = Path(__file__).resolve().parent


def names() -> list[str]:
    """Every exercise as it is typed, family by family, in alphabetical order within."""
    return [
        f"{path.parent.name.replace('_', '-')}/{path.stem}"
        for family in catalog.families()
        for path in sorted((_ROOT / family.slug).glob("*/*.py"))
        if not path.stem.startswith("_")
    ]


def of(subject: Topic | Family) -> list[Exercise]:
    """Those of a topic or family, in reading order."""
    topics = (subject,) if isinstance(subject, Topic) else subject.topics
    found = []
    for topic in topics:
        folder = _ROOT / topic.family / topic.slug.replace("-", "_")
        here = [_load(topic, path.stem) for path in folder.glob("*.py") if not path.stem.startswith("_")]
        found += sorted(here, key=lambda exercise: (exercise.place, exercise.name))
    return found


def every() -> list[Exercise]:
    """All of them, in reading order."""
    return [exercise for family in catalog.families() for exercise in of(family)]


def find(name: str, command: str = "start") -> Exercise:
    """The exercise of that name: ddpm/add_noise, add_noise where it is the only one, or ddpm: its first.

    Raises:
        UsageError: there is none.
    """
    topic, _, own = name.rpartition("/")
    key = catalog.normalise(own)
    known = names()
    hits = [full for full in known if catalog.normalise(full.partition("/")[2]) == key]
    if topic:
        slug = catalog.resolve(topic, f"exercise {command}").slug
        hits = [full for full in hits if full.startswith(f"{slug}/")]
    if len(hits) == 1:
        slug, _, own = hits[0].partition("/")
        return _load(catalog.resolve(slug), own)
    if hits:
        raise UsageError(
            f"{quoted(name)} is the name of {len(hits)} exercises", f"name one: {', '.join(hits)}"
        )
    first = _first_of(name)
    if first is not None:
        return first
    near = catalog.closest(catalog.normalise(name), {catalog.normalise(full): full for full in known})
    hint = (
        f"did you mean: atlas exercise {command} {near[0]}" if near else "atlas exercise list shows them all"
    )
    raise UsageError(f"no exercise is called {quoted(name)}", hint)


def _first_of(name: str) -> Exercise | None:
    try:
        found = of(catalog.resolve_any(name))
    except UsageError:
        return None
    return found[0] if found else None


def _load(topic: Topic, name: str) -> Exercise:
    module = f"{__package__}.{topic.family}.{topic.slug.replace('-', '_')}.{name}"
    exercise = importlib.import_module(module).EXERCISE
    if not isinstance(exercise, Exercise) or exercise.full_name != f"{topic.slug}/{name}":
        raise DataError(f"{module} holds no exercise {topic.slug}/{name}", "name it as its file is named")
    return exercise
