"""The catalogue: twelve families and their topics, found by file name.

content/atlas.yaml lists the families in reading order; content/<family>/<topic>.md opens with a YAML block
that holds the topic's facts. Nothing here imports torch or pydantic, and a topic that is asked for by its
slug is read alone, so that `atlas explain` starts fast. For the same reason what is read is held in named
tuples: a frozen dataclass takes eight times as long to define.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from atlas_cli import documents, paths
from atlas_cli.errors import MOST_LETTERS, DataError, UsageError, quoted

_TRAINING = (
    "train",
    "sample",
    "verify",
    "recipe show",
    "recipe cp",
    "notebook",
)  # commands that take topics with recipes
_NOT_ALPHANUMERIC = re.compile(r"[\W_]+")
_OPTIONAL = ("arxiv", "venue", "url", "system", "cost", "replaces", "replaced_by", "place")
_FRONT_MATTER = re.compile(r"\A---\r?\n(.*?\n)---\r?\n?(.*)\Z", re.DOTALL)


class Topic(NamedTuple):
    """One page of the atlas: a system, the paper that it comes from, and the names it goes by."""

    slug: str
    family: str  # slug of the family
    title: str
    name: str  # in full: "Denoising diffusion probabilistic models"
    year: int
    authors: str
    paper: str
    idea: str  # one sentence
    path: Path
    arxiv: str | None = None
    venue: str | None = None
    url: str | None = None
    system: str | None = None  # name of the class; None: there is no trainer yet
    aliases: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    builds_on: tuple[str, ...] = ()
    cost: str | None = None  # in time and memory
    replaces: str | None = None
    replaced_by: str | None = None
    place: int | None = None  # in the family's reading order, where builds_on and year would order it badly

    @property
    def link(self) -> str | None:
        """Where the paper can be read."""
        return self.url or (f"https://arxiv.org/abs/{self.arxiv}" if self.arxiv else None)

    def names(self) -> Iterator[str]:
        """Everything that a reader may call it."""
        yield from (self.slug, self.title, self.name, *self.aliases)
        if self.arxiv:
            yield self.arxiv


class Family(NamedTuple):
    """One of the twelve families."""

    slug: str
    title: str
    line: str
    number: int  # its place in the reading order, from 1
    aliases: tuple[str, ...] = ()

    @property
    def path(self) -> Path:
        """The folder of its pages."""
        return content_root() / self.slug

    @property
    def topics(self) -> tuple[Topic, ...]:
        """Its topics in reading order: what a topic builds on comes first, then by `place`, then by year."""
        return _topics_of(self.slug)

    def names(self) -> Iterator[str]:
        """Everything that a reader may call it; its number as well, for where a topic has taken its slug."""
        yield from (self.slug, self.title, *self.aliases, str(self.number), f"{self.number:02}")


class Suggestion(NamedTuple):
    """A topic to try first, and why."""

    topic: str
    why: str


def content_root() -> Path:
    """The folder of the pages."""
    return paths.content_dir()


def recipes_root() -> Path:
    """The folder of the shipped recipes."""
    return paths.recipes_dir()


def families() -> tuple[Family, ...]:
    """The twelve families in reading order."""
    return tuple(
        Family(entry["slug"], entry["title"], entry["line"], number, tuple(entry.get("aliases") or ()))
        for number, entry in enumerate(_atlas()["families"], start=1)
    )


def topics() -> tuple[Topic, ...]:
    """Every topic of the atlas in reading order."""
    return tuple(topic for family in families() for topic in family.topics)


def first() -> tuple[Suggestion, ...]:
    """The topics to try first."""
    return tuple(Suggestion(entry["topic"], entry["why"]) for entry in _atlas().get("first") or ())


def family_of(topic: Topic) -> Family:
    """The family that a topic belongs to."""
    return next(family for family in families() if family.slug == topic.family)


def resolve(name: str, command: str = "explain") -> Topic:
    """The topic of that name.

    Args:
        name: Slug, title or alias; capitals, blanks, hyphens and underscores do not matter.
        command: What the user typed after `atlas`, for the hint line.

    Raises:
        UsageError: there is none, or the name is a family's.
    """
    found = _find(name)
    if isinstance(found, Topic):
        return found
    if isinstance(found, Family):
        named = [topic.slug for topic in found.topics]
        trained = [topic.slug for topic in found.topics if recipes_of(topic)]
        examples = trained if command in _TRAINING and trained else named
        raise UsageError(
            f"{found.slug} is a family of topics; name one of them: {', '.join(examples)}",
            f"atlas {command} {examples[0]}",
        )
    raise unknown("topic", name, topics(), command)


def resolve_any(name: str, command: str = "explain") -> Topic | Family:
    """The topic or family of that name; where both go by it, the topic.

    Raises:
        UsageError: there is neither.
    """
    found = _find(name)
    if found is None:
        raise unknown("topic or family", name, (*topics(), *families()), command)
    return found


def resolve_family(name: str, command: str = "explain") -> Family:
    """The family of that name.

    Raises:
        UsageError: there is none.
    """
    key = normalise(name) if _is_plain(name) else ""
    for family in families():
        if key in map(normalise, family.names()):
            return family
    found = _find(name)
    if isinstance(found, Topic):
        raise UsageError(
            f"{found.slug} is a topic of {found.family}, and `atlas {command}` takes a family",
            f"atlas {command} {found.family}, or: atlas explain {found.slug}",
        )
    raise unknown("family", name, families(), command)


def unknown(kind: str, name: str, known: Iterable[Topic | Family], command: str) -> UsageError:
    """The error for a name that nothing goes by, with up to three that it may have meant."""
    slugs = {normalise(alias): entry.slug for entry in known for alias in entry.names()}
    near = closest(normalise(name)[:MOST_LETTERS], slugs)
    what = f"no {kind} is called {quoted(name)}{_strangers(name)}"
    if not near:
        return UsageError(what, "atlas ls --tree shows every topic there is")
    commands = [f"atlas {command} {slug}" for slug in near]
    others = f"  (or {', '.join(commands[1:])})" if commands[1:] else ""
    return UsageError(what, f"did you mean: {commands[0]}{others}")


def closest(key: str, targets: dict[str, str], n: int = 3) -> list[str]:
    """Up to n values of `targets` with keys like `key`: those that contain it, then typos of it."""
    import difflib

    hits = [known for known in targets if len(key) >= 3 and key in known]
    hits.sort(key=lambda known: (not known.startswith(key), len(known)))
    hits += difflib.get_close_matches(key, targets, n=3 * n, cutoff=0.65)
    return list(dict.fromkeys(targets[hit] for hit in hits))[:n]


def normalise(name: str) -> str:
    """The form in which names are compared: letters and digits, no capitals."""
    return _NOT_ALPHANUMERIC.sub("", name.casefold())


def system_module(topic: Topic) -> str:
    """The module of a topic's system: atlas_cli.systems.ssm.mamba."""
    return f"atlas_cli.systems.{topic.family}.{topic.slug.replace('-', '_')}"


def recipes_of(topic: Topic) -> tuple[str, ...]:
    """The topic's shipped recipes; empty while it has no trainer."""
    return tuple(sorted(path.stem for path in (recipes_root() / topic.slug).glob("*.yaml")))


def runs_of(topic: Topic) -> tuple[str, ...]:
    """Folders in ./runs that this topic's training made."""
    return tuple(run for run, trains in _run_folders() if trains == topic.slug)


def split_front_matter(text: str, path: Path) -> tuple[dict[str, Any], str]:
    """The YAML block at the head of a page, and the Markdown after it.

    Raises:
        DataError: the block is missing or is not YAML.
    """
    match = _FRONT_MATTER.match(text)
    if match is None:
        raise DataError(f"{path} has no front matter", "reinstall atlas, or restore the page")
    return _yaml(match[1], path), match[2]


def front_matter(text: str) -> str | None:
    """The YAML block at the head of a page, as it stands there."""
    match = _FRONT_MATTER.match(text)
    return match[1] if match else None


def complete_family(incomplete: str) -> list[str]:
    """Families that the shell may complete to."""
    return [family.slug for family in families() if family.slug.startswith(incomplete.lower())]


def complete_name(incomplete: str) -> list[str]:
    """Topics and families that the shell may complete to."""
    slugs = [topic.slug for topic in topics() if topic.slug.startswith(incomplete.lower())]
    return sorted({*slugs, *complete_family(incomplete)})


def _strangers(name: str) -> str:
    """The first letter in a name that may look like another one, or like none, by its number."""
    odd = next((c for c in name[:MOST_LETTERS] if not c.isascii()), None)
    if odd is None:
        return ""
    import unicodedata  # here: only for a name that nothing goes by

    return f", which holds U+{ord(odd):04X} {unicodedata.name(odd, 'without a name')}"


def _is_plain(name: str) -> bool:
    """Whether a name is as it looks: all of it seen, no path, no letter that only folds to a Latin one."""
    folded = (not c.isascii() and c.casefold().isascii() for c in name)
    return len(name) <= MOST_LETTERS * 2 and name.isprintable() and "/" not in name and not any(folded)


def _find(name: str) -> Topic | Family | None:
    if not _is_plain(name):
        return None
    slug = name.strip().casefold().replace(" ", "-").replace("_", "-")
    for family in families():
        path = family.path / f"{slug}.md"
        if slug and slug.isascii() and slug.replace("-", "").isalnum() and slug != "index" and path.is_file():
            return _read_topic(path)  # the common case reads one page, not sixty
    key = normalise(name)
    for family in families():
        if key == family.slug:
            return family
    named: list[Topic | Family] = [*map(_read_topic, _pages_that_mention(key)), *families()]
    return next((entry for entry in named if key and key in map(normalise, entry.names())), None)


def _pages_that_mention(key: str) -> Iterator[Path]:
    """Pages with this name among their facts; reading a page as text takes a tenth of parsing its facts."""
    for family in families():
        for page in sorted(family.path.glob("*.md")):
            if page.stem != "index" and key in normalise(
                page.read_text(encoding="utf-8").split("\n---", 1)[0]
            ):
                yield page


@cache
def _atlas() -> dict[str, Any]:
    path = content_root() / "atlas.yaml"
    return _yaml(path.read_text(encoding="utf-8"), path)


@cache
def _topics_of(family: str) -> tuple[Topic, ...]:
    pages = (content_root() / family).glob("*.md")
    waiting = sorted((_read_topic(page) for page in pages if page.stem != "index"), key=_reading_order)
    ordered: list[Topic] = []
    while waiting:
        open_slugs = {topic.slug for topic in waiting}
        ready = (topic for topic in waiting if not open_slugs.intersection(topic.builds_on))
        chosen = next(ready, waiting[0])  # a circle of builds_on is broken by year
        waiting.remove(chosen)
        ordered.append(chosen)
    return tuple(ordered)


def _reading_order(topic: Topic) -> tuple[float, int, str]:
    return (math.inf if topic.place is None else topic.place, topic.year, topic.slug)


@cache
def _read_topic(path: Path) -> Topic:
    facts, _ = split_front_matter(path.read_text(encoding="utf-8"), path)
    lists: dict[str, Any] = {key: tuple(facts.get(key) or ()) for key in ("aliases", "tags", "builds_on")}
    texts: dict[str, Any] = {key: facts.get(key) for key in _OPTIONAL}
    try:
        return Topic(
            slug=path.stem, family=path.parent.name, path=path, title=facts["title"], name=facts["name"],
            year=facts["year"], authors=facts["authors"], paper=facts["paper"], idea=facts["idea"],
            **lists, **texts,
        )  # fmt: skip
    except KeyError as error:
        raise DataError(f"{path} lacks the fact {error}", "reinstall atlas, or restore the page") from error


def _yaml(text: str, path: Path) -> dict[str, Any]:
    try:
        loaded = documents.parse(text)
    except ValueError as error:
        raise DataError(
            f"{path} is not valid YAML: {error}", "reinstall atlas, or restore the file"
        ) from error
    if not isinstance(loaded, dict):
        raise DataError(f"{path} holds no fields", "reinstall atlas, or restore the file")
    return loaded


def _run_folders() -> list[tuple[str, str | None]]:
    """The runs in ./runs by name, each with the topic that it trains."""
    files = sorted(paths.runs_dir().glob("*/run.json"))
    return [(file.parent.name, _trained_by(file.absolute(), file.stat().st_mtime_ns)) for file in files]


@cache
def _trained_by(file: Path, changed: int) -> str | None:
    """The topic that a run trains, as run.json says it; a damaged one says it by its folder's name.

    Args:
        file: The run.json.
        changed: When it was written, so that it is read once and no more.
    """
    import json

    try:
        return str(json.loads(file.read_text(encoding="utf-8"))["recipe"]).partition("/")[0]
    except (OSError, ValueError, KeyError, TypeError):
        return _owner(file.parent.name)


def _owner(run: str) -> str | None:
    """The topic of a run folder; the longest slug wins, since recipes may have hyphens too."""
    slugs = [topic.slug for topic in topics() if run.startswith(f"{topic.slug}-")]
    return max(slugs, key=len, default=None)
