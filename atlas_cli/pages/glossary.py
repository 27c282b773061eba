"""The glossary, content/glossary.yaml: each word of the trade and of this house, explained once."""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import copy
from functools import cache
from typing import NamedTuple

from atlas_cli import catalog, documents, paths
from atlas_cli.catalog import Family, Topic
from atlas_cli.errors import DataError, UsageError, quoted

_BLANKS = re.compile(r"\s+")


class Term(NamedTuple):
    """A word and its explanation, plain text of one or two sentences."""

    word: str
    says: str
    also: tuple[str, ...] = ()  # other spellings
    see: str | None = None  # the topic or family where more is said
    only: tuple[str, ...] | None = None  # families on whose pages the word means this; None: on all
    plural: bool = True  # whether an s may follow; False where that is another word, as in "it judges"

    @property
    def spellings(self) -> tuple[str, ...]:
        return (self.word, *self.also)


@cache
def terms() -> tuple[Term, ...]:
    """Every word, in alphabetical order.

    Raises:
        DataError: the file is not what it should be.
    """
    path = paths.content_dir() / "glossary.yaml"
    try:
        raw = documents.parse(path.read_text(encoding="utf-8"))["words"]
        found = [_term(entry) for entry in raw]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: {error!r}", "reinstall atlas, or restore the file") from error
    return tuple(sorted(found, key=lambda term: term.word.casefold()))


def known(name: str) -> Term | None:
    """The word of that name or spelling, plural or not; None where there is none."""
    spelled = _by_key()
    key = catalog.normalise(name)
    return (spelled.get(key) or spelled.get(key.removesuffix("s"))) if key else None


def find(name: str) -> Term:
    """The word of that name.

    Raises:
        UsageError: it is not in the glossary.
    """
    term = known(name)
    if term is not None:
        return term
    near = catalog.closest(catalog.normalise(name), {key: term.word for key, term in _by_key().items()}, n=1)
    hint = f"did you mean: atlas explain --glossary {near[0]}" if near else "atlas explain --glossary"
    raise UsageError(f"the glossary has no word {quoted(name)}", hint)


class Marker:
    """Links each word where it first stands on a page, and no more; the name of the page itself stays.

    Args:
        subject: Of the page.
        link: The HTML of a word with its explanation, from the term and the text that stands there.

    Attributes:
        used: The words that were linked, in the order in which they came.
    """

    def __init__(self, subject: Topic | Family, link: Callable[[Term, str], str]) -> None:
        family = subject.slug if isinstance(subject, Family) else subject.family
        own = set(map(catalog.normalise, subject.names()))
        self._terms = {
            key: term
            for key, term in _by_key().items()
            if (term.only is None or family in term.only)
            and not own & set(map(catalog.normalise, term.spellings))
        }
        self._link = link
        self._pattern = _pattern(tuple(dict.fromkeys(self._terms.values())))
        self.used: list[Term] = []
        self._seen: set[str] = set()

    def aside(self) -> Marker:
        """A marker for a part that many readers pass over: what it links is linked again after that part."""
        other = copy(self)
        other._seen = set(self._seen)
        return other

    def __call__(self, text: str) -> str:
        """Some running text, its new words linked."""
        return self._pattern.sub(self._marked, text)

    def _marked(self, match: re.Match[str]) -> str:
        key = catalog.normalise(match[0])
        term = self._terms.get(key) or self._terms[key.removesuffix("s")]
        if term.word in self._seen:
            return match[0]
        self._seen.add(term.word)
        if term not in self.used:
            self.used.append(term)
        return self._link(term, match[0])


@cache
def _pattern(terms: tuple[Term, ...]) -> re.Pattern[str]:
    """Any of their spellings as a word of its own; one in small letters may begin a sentence."""
    spelled = [(spelling, term.plural) for term in terms for spelling in term.spellings]
    longest_first = sorted(spelled, key=lambda pair: -len(pair[0]))
    return re.compile(rf"(?<![\w-])(?:{'|'.join(_spelled(*pair) for pair in longest_first)})(?!\w)")


def _spelled(spelling: str, plural: bool) -> str:
    text = _BLANKS.sub(r"\\s+", re.escape(spelling).replace("\\ ", " "))
    first = spelling[0]
    if spelling == spelling.lower() and first.isalpha():
        text = f"[{first}{first.upper()}]{text[1:]}"
    return f"{text}s?" if plural else text


@cache
def _by_key() -> dict[str, Term]:
    return {catalog.normalise(spelling): term for term in terms() for spelling in term.spellings}


def _term(raw: dict) -> Term:
    only = raw.get("only")
    return Term(
        raw["word"],
        raw["says"],
        tuple(raw.get("also", ())),
        raw.get("see"),
        None if only is None else tuple(only),
        raw.get("plural", True),
    )
