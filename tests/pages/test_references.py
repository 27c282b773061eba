"""A work that two pages cite is cited alike: the same authors, year, title and venue."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

from atlas_cli import paths

_ENTRY = re.compile(r"^\d+\. (.+)$", re.MULTILINE)
_KEY = re.compile(r"arXiv:\d+\.\d+|doi:[^\]]+|(?<=\]\()https?://[^)]+")


def cited(pages: Iterable[str]) -> dict[str, set[str]]:
    """All entries of the lists of references, by the number or the address of the work."""
    entries: dict[str, set[str]] = defaultdict(set)
    for page in pages:
        for entry in _ENTRY.findall(page.partition("\n## References\n")[2]):
            if key := _KEY.search(entry):
                entries[key[0]].add(entry)
    return entries


def test_a_work_is_cited_alike_everywhere() -> None:
    found = cited(path.read_text(encoding="utf-8") for path in paths.content_dir().glob("*/*.md"))
    assert len(found) > 200
    assert {key: entries for key, entries in found.items() if len(entries) > 1} == {}


def test_a_venue_that_one_page_lacks_is_found() -> None:
    page = "1. A text\n\n## References\n\n1. Ho (2022). A title.{} [arXiv:2207.12598](https://arxiv.org/abs/2207.12598)\n"
    assert len(cited([page.format(""), page.format("")])["arXiv:2207.12598"]) == 1
    assert len(cited([page.format(""), page.format(" NeurIPS.")])["arXiv:2207.12598"]) == 2
