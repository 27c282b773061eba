"""On each finished page every word of the glossary is linked where it first stands; no acronym is unknown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple

import pytest

from atlas_cli import catalog, documents
from atlas_cli.catalog import Family, Topic
from atlas_cli.pages import glossary
from atlas_cli.pages.glossary import Term
from atlas_cli.pages.html import anchor
from atlas_cli.pages.source import read_page
from atlas_cli.site import figures
from atlas_cli.site.address import path_of
from atlas_cli.site.article import Places, article

NAMES = Path(__file__).with_name("names.yaml")
_ACRONYM = re.compile(r"(?<![\w-])(?=[\w-]*[A-Z][\w-]*[A-Z])[A-Za-z][\w-]*")
_TEXT = {"section", "lead"}  # what stands beside them is made of names: of pages, papers, diagrams, people
_FACTS = {"Idea", "Cost", "Replaces", "Replaced by"}  # the quick facts that are sentences
_SILENT = {"h1", "h2", "h3", "h4", "code", "pre", "math", "figure", "header"}


class Piece(NamedTuple):
    """Some running text of a page."""

    text: str
    word: str | None  # where it is a link to the glossary, the anchor there
    linked: bool  # whether it is a link at all
    folded: bool  # whether it stands in a part that is closed until opened


class Running(HTMLParser):
    """The running text of an article: without headings, code, formulas, diagrams and references."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.pieces: list[Piece] = []
        self._open: list[tuple[str, dict[str, str | None]]] = []
        self._fact = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        if tag not in ("br", "hr", "img", "input"):  # what has no end
            self._open.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self._open.pop()[0] == tag

    def handle_data(self, text):
        tags = {tag for tag, _ in self._open}
        kinds = {given.get("class") for _, given in self._open}
        if "dt" in tags:
            self._fact = text
        running = ("quick" in kinds and "dd" in tags and self._fact in _FACTS) or _TEXT & (tags | kinds)
        if not running or tags & _SILENT or kinds & {"references", "cite"}:
            return
        links = [given for tag, given in self._open if tag == "a"]
        word = links[-1]["href"].partition("#word-")[2] if links else ""
        self.pieces.append(Piece(text, word or None, bool(links), "details" in tags))


def pieces_of(html: str) -> list[Piece]:
    return Running(f"<section>{html}</section>").pieces


def finished() -> list[Topic | Family]:
    everything = [entry for family in catalog.families() for entry in (family, *family.topics)]
    return [entry for entry in everything if read_page(entry).sections]


@pytest.fixture(scope="module")
def running() -> dict[Topic | Family, list[Piece]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figures, "figure", lambda subject, name, alone=False: f"<figure>{name}</figure>")
        return {
            entry: Running(article(read_page(entry), Places(path_of(entry)))).pieces for entry in finished()
        }


def words_on(subject: Topic | Family) -> dict[str, Term]:
    """What the glossary has to say on a page, by the spelling in small letters."""
    family = subject if isinstance(subject, Family) else catalog.family_of(subject)
    own = {catalog.normalise(name) for name in subject.names()}
    return {
        spelling.casefold(): term
        for term in glossary.terms()
        if (term.only is None or family.slug in term.only)
        and not own & {catalog.normalise(spelling) for spelling in term.spellings}
        for spelling in term.spellings
    }


def not_linked(pieces: list[Piece], subject: Topic | Family) -> Iterator[str]:
    """The words that stand on a page before they are linked to their explanation."""
    words = words_on(subject)
    longest = "|".join(re.escape(s).replace(r"\ ", r"\s+") for s in sorted(words, key=lambda s: (-len(s), s)))
    pattern = re.compile(rf"(?<![\w-])({longest})(s?)(?!\w)", re.IGNORECASE)
    seen: set[str] = set()
    within: set[str] = set()  # a folded part, of which what follows knows nothing
    for piece in pieces:
        within = within if piece.folded else set()
        if piece.word:
            (within if piece.folded else seen).add(piece.word)
        for match in [] if piece.linked else pattern.finditer(piece.text):
            found = re.sub(r"\s+", " ", match[1])
            term = words[found.casefold()]
            small = found.casefold() in term.spellings  # and may begin a sentence
            if match[2] and not term.plural:
                continue
            if (small or found in term.spellings) and anchor(term.word) not in seen | within:
                yield match[0]


def unknown(pieces: list[Piece], names: set[str]) -> set[str]:
    """The acronyms of a page that neither the glossary nor the catalogue nor the list explains."""
    found = {acronym for piece in pieces for acronym in _ACRONYM.findall(piece.text)}
    known = {catalog.normalise(name) for entry in catalog.topics() for name in entry.names()}
    return {
        acronym
        for acronym in found
        if acronym.removesuffix("s") not in names
        and glossary.known(acronym) is None
        and catalog.normalise(acronym).removesuffix("s") not in known
    }


@pytest.fixture(scope="module")
def names() -> set[str]:
    return {name for listed in documents.parse(NAMES.read_text()).values() for name in listed}


@pytest.mark.parametrize("subject", finished(), ids=lambda subject: subject.slug)
def test_every_word_is_linked_where_it_first_stands(subject: Topic | Family, running):
    assert list(not_linked(running[subject], subject)) == []


def test_a_word_that_is_not_linked_is_found():
    gan = catalog.resolve("gan")
    plain = pieces_of("<p>A logit, and the KL\ndivergence.</p><details><p>A softmax.</p></details>")
    assert list(not_linked(plain, gan)) == ["logit", "KL\ndivergence", "softmax"]
    linked = '<a class="term" href="g.html#word-logit">logit</a>'
    assert list(not_linked(pieces_of(f"<p>A {linked} and a logit.</p>"), gan)) == []
    assert list(not_linked(pieces_of(f"<p>A logit and a {linked}.</p>"), gan)) == ["logit"]
    folded = f"<details><p>A {linked}.</p></details><p>A logit.</p>"
    assert list(not_linked(pieces_of(folded), gan)) == ["logit"]


@pytest.mark.parametrize("subject", finished(), ids=lambda subject: subject.slug)
def test_every_acronym_is_explained_or_known_by_its_name(subject: Topic | Family, running, names):
    assert unknown(running[subject], names) == set()


def test_an_acronym_that_nobody_explains_is_found(names: set[str]):
    pieces = pieces_of("<p>The XQZ of KLs, by a GAN of OpenAI; <code>ABC</code>.</p>")
    assert unknown(pieces, names) == {"XQZ"}


def test_the_list_of_names_holds_none_too_many(running, names: set[str]):
    stand = {
        acronym.removesuffix("s")
        for pieces in running.values()
        for piece in pieces
        for acronym in _ACRONYM.findall(piece.text)
    }
    assert names - stand - {acronym + "s" for acronym in stand} == set()
