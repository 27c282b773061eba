"""The glossary as a page: each word with an address of its own, to which the first use on a page leads."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from html import escape
from itertools import groupby

from atlas_cli import catalog
from atlas_cli.pages import glossary
from atlas_cli.pages.glossary import Term
from atlas_cli.pages.html import anchor
from atlas_cli.site.address import GLOSSARY, path_of, relative
from atlas_cli.site.search import Entry, word
from atlas_cli.site.shell import Content

WORDS = "words"  # the list at the end of a page that stands alone
_ABOUT = "The words of the trade and of this atlas, each explained in a sentence or two."


def content() -> Content:
    """The page of all words."""
    groups = [(letter, list(terms)) for letter, terms in groupby(glossary.terms(), key=_initial)]
    letters = " ".join(f'<a href="#letter-{letter.lower()}">{letter}</a>' for letter, _ in groups)
    parts = "\n".join(
        f'<section aria-labelledby="letter-{letter.lower()}">\n'
        f'<h2 id="letter-{letter.lower()}">{letter}</h2>\n{_list(terms, _page_of)}\n</section>'
        for letter, terms in groups
    )
    body = f"""<article class="prose">
<header><h1>Glossary</h1>
<p class="under">{_ABOUT}</p></header>
<nav class="letters" aria-label="Letters">{letters}</nav>
{parts}
</article>"""
    return Content(GLOSSARY, "Glossary · atlas", _ABOUT, body)


def entries() -> list[Entry]:
    """What can be found on it."""
    return [word(f"{GLOSSARY}#{_name(term)}", term.word, term.says, term.also) for term in glossary.terms()]


def link(here: str | None) -> Callable[[Term, str], str]:
    """What stands for a word where it comes first: a link to its explanation, which pointing at it shows.

    Args:
        here: The page, from the site's root; None for one that stands alone and lists its words at its end.
    """
    target = "" if here is None else relative(GLOSSARY, here)

    def linked(term: Term, text: str) -> str:
        return f'<a class="term" href="{target}#{_name(term)}" title="{escape(term.says)}">{text}</a>'

    return linked


def of_page(used: list[Term]) -> str:
    """The words of a page that stands alone, to which the links in its text lead."""
    if not used:
        return ""
    listed = _list(sorted(used, key=lambda term: term.word.casefold()), _command)
    return (
        f'<section id="{WORDS}" aria-labelledby="{WORDS}-title">\n'
        f'<h2 id="{WORDS}-title"><a class="anchor" href="#{WORDS}">Words</a></h2>\n{listed}\n</section>'
    )


def _list(terms: Iterable[Term], more: Callable[[str], str]) -> str:
    rows = "\n".join(
        f'<div id="{_name(term)}"><dt>{escape(term.word)}</dt><dd>{escape(term.says, quote=False)}'
        f"{_also(term)}{more(term.see) if term.see else ''}</dd></div>"
        for term in terms
    )
    return f'<dl class="glossary">\n{rows}\n</dl>'


def _also(term: Term) -> str:
    return f" <small>Also: {escape(', '.join(term.also), quote=False)}.</small>" if term.also else ""


def _page_of(slug: str) -> str:
    subject = catalog.resolve_any(slug)
    return f' <a href="{path_of(subject)}">More: {escape(subject.title)}</a>'


def _command(slug: str) -> str:
    return f" <code>atlas explain {escape(slug)}</code>"


def _name(term: Term) -> str:
    return f"word-{anchor(term.word)}"


def _initial(term: Term) -> str:
    return term.word[0].upper()
