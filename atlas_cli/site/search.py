"""The search index, an entry a page and one a section: a script, since file:// pages may not fetch data."""

from __future__ import annotations

import json
import re
from html import unescape

from atlas_cli.catalog import Family, Topic
from atlas_cli.pages.html import HtmlRenderer, anchor
from atlas_cli.pages.source import Page
from atlas_cli.site.address import path_of

_NOT_TEXT = re.compile(r"<(svg|script|style|figure)\b.*?</\1>", re.DOTALL)
_BLOCK_END = re.compile(r"</(?:p|li|td|th|tr|h\d|pre|div)>")
_TAG = re.compile(r"<[^>]+>")
_BLANKS = re.compile(r"\s+")

Entry = tuple[str, str, str, str, str]  # address, title, where, other names, text


def entries(page: Page) -> list[Entry]:
    """What can be found on a page."""
    subject, family = page.subject, page.family
    renderer = HtmlRenderer(lambda name: "", lambda target: None, subject.slug)
    path = path_of(subject)
    about = subject.line if isinstance(subject, Family) else f"{subject.name}. {subject.idea}"
    text = f"{about} {plain_text(renderer.render(page.opening))}"
    found: list[Entry] = [(path, subject.title, family.title, _names(subject), text.strip())]
    for section in page.sections:
        where = f"{subject.title} › {section.title}"
        body = plain_text(renderer.render(section.markdown))
        found.append((f"{path}#{anchor(section.title)}", subject.title, where, "", body))
    return found


def script(found: list[Entry]) -> str:
    """The script that sets `window.atlasIndex`."""
    rows = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in found)
    return f"window.atlasIndex = [\n{rows}\n];\n"


def plain_text(html: str) -> str:
    """The words of some HTML."""
    text = _TAG.sub("", _BLOCK_END.sub(" ", _NOT_TEXT.sub(" ", html)))
    return _BLANKS.sub(" ", unescape(text)).strip()


def _names(subject: Topic | Family) -> str:
    names = list(subject.names())
    if isinstance(subject, Topic):
        names += [subject.authors, subject.paper, str(subject.year), *subject.tags]
    return " · ".join(names)
