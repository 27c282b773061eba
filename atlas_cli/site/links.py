"""Commands in running text that draw a diagram, as links to where that diagram stands on the site."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

from atlas_cli import catalog
from atlas_cli.catalog import Family, Topic
from atlas_cli.diagrams import blocks, gallery
from atlas_cli.errors import UsageError
from atlas_cli.pages.directives import needs_run
from atlas_cli.site.address import path_of

_COMMAND = re.compile(r"(<pre[^>]*>)?<code>(atlas diagram (\w[\w-]*)(?: (\w[\w-]*))?[^<]*)</code>")
_SETTING = re.compile(r"--set (\w+=[\w.+-]+)")


def linked(html: str, address: Callable[[str], str]) -> str:
    """Every such command as a link; code that stands in a block of its own is for copying, and stays.

    Args:
        html: What is on the page.
        address: From a path and fragment to how this page writes it.
    """

    def link(match: re.Match[str]) -> str:
        block, command, topic, name = match.groups()
        target = None if block or "--run" in command else place_of(unescape(topic), name)
        if target is None:
            return match[0]
        stands = "&amp;".join(_SETTING.findall(command))  # as the address of a figure tells its knobs
        return f'<a href="{address(target)}{"?" if stands else ""}{stands}"><code>{command}</code></a>'

    return _COMMAND.sub(link, html)


def place_of(topic: str, name: str | None = None) -> str | None:
    """Where the diagram stands that `atlas diagram TOPIC NAME` draws; None where that is nowhere."""
    try:
        subject, shown = gallery.chosen(topic, name)
    except UsageError:
        return None
    if needs_run(shown):
        return None
    page: Topic | Family = catalog.resolve(shown.topics[0])
    if isinstance(subject, Topic) and shown in blocks.diagrams_of(subject):
        page = subject
    return f"{path_of(page)}#{shown.family}-{shown.name}"
