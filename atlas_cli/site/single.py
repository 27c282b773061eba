"""One page in one file, to keep or to send: styles and script inside, nothing asked of the network."""

from __future__ import annotations

import re

from atlas_cli.catalog import Family
from atlas_cli.diagrams.web import page as web_page
from atlas_cli.pages.source import Page
from atlas_cli.site import shell
from atlas_cli.site.article import Places, article, has_diagrams

_CODE = re.compile(r"<(style|script)>.*?</\1>", re.DOTALL)  # not data, which are scripts of a type
# Comments that begin a line, and indentation. They are a tenth of the page.
_ASIDE = re.compile(r"^[ \t]*(?:/\*.*?\*/[ \t]*\n|//[^\n]*\n)?[ \t]*", re.MULTILINE | re.DOTALL)


def document(page: Page) -> str:
    """The page as a whole HTML document; other pages of the atlas are named, since they are not at hand."""
    subject = page.subject
    about = subject.line if isinstance(subject, Family) else subject.idea
    head = web_page.head() if has_diagrams(page) else ""
    whole = shell.alone(f"{subject.title} · atlas", about, article(page, Places(None)), head)
    return _CODE.sub(lambda code: _ASIDE.sub("", code[0]), whole)
