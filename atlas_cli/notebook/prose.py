"""The Markdown of a page in the terms of a notebook; code and formulas stay as they are."""

from __future__ import annotations

import re
from collections.abc import Callable

from atlas_cli.pages.html import is_page, slug_of

# Fences, formulas on lines of their own, code and formulas in a sentence; Jupyter reads dollars as we do.
_KEPT = re.compile(
    r"^[ ]{0,3}(?P<fence>```|~~~)[^\n]*\n.*?^[ ]{0,3}(?P=fence)[ \t]*$"
    r"|\$\$.+?\$\$"
    r"|(?P<ticks>(?<!`)`+(?!`)).+?(?<!`)(?P=ticks)(?!`)"
    r"|\$(?![\s$])(?:[^$\n]|\n(?!\n))*?(?<![\s\\])\$(?!\d)",
    re.DOTALL | re.MULTILINE,
)
_LINK = re.compile(r"\[([^\[\]]+)\]\(([^()\s]+)\)")
_OPENING = re.compile(r"<(?=[A-Za-z/!?])")


def changed(markdown: str, change: Callable[[str], str]) -> str:
    """The Markdown with its running text changed."""
    pieces, end = [], 0
    for kept in _KEPT.finditer(markdown):
        pieces += [change(markdown[end : kept.start()]), kept[0]]
        end = kept.end()
    return "".join([*pieces, change(markdown[end:])])


def plain(markdown: str) -> str:
    """The Markdown with nothing that Jupyter would take for HTML, which pages have none of."""
    return changed(markdown, lambda text: _OPENING.sub("&lt;", text))


class Links:
    """Makes links to other pages into the command that shows them, said once a page.

    Args:
        family: Of the page: what a link to `index.md` beside it means.
    """

    def __init__(self, family: str) -> None:
        self._family = family
        self._said: set[str] = set()

    def __call__(self, markdown: str) -> str:
        """The Markdown with commands in the place of such links; all others stay."""
        return _LINK.sub(self._told, markdown)

    def _told(self, match: re.Match[str]) -> str:
        text, address = match.groups()
        if not is_page(address):
            return match[0]
        slug = slug_of(address, self._family)
        if slug in self._said:
            return text
        self._said.add(slug)
        return f"{text} (`atlas explain {slug}`)"
