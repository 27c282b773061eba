"""Every finished page has the sections that a reader looks for, in one order."""

from __future__ import annotations

import re

import pytest

from atlas_cli import catalog
from atlas_cli.catalog import Family, Topic
from atlas_cli.pages.source import Page, read_page

TODAY = "### Where it stands today"
CHAPTER = (
    "A first contact", "What it is", "How it works", "Derivation", "How it is trained", "How it is used",
    "Where it comes from", "Choosing and pitfalls", "Try it", "References",
)  # fmt: skip
FINISHED = [topic for topic in catalog.topics() if read_page(topic).sections]
FAMILIES = [family for family in catalog.families() if read_page(family).sections]
_FORMULA = re.compile(r"^\$\$", re.MULTILINE)
_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w.])")
_CITATION = re.compile(r"\[(\d+(?:, \d+)*)\](?!\()")


def titles(page: Page) -> tuple[str, ...]:
    return tuple(section.title for section in page.sections)


def section(page: Page, title: str) -> str:
    (found,) = (section.markdown for section in page.sections if section.title == title)
    return found


@pytest.mark.parametrize("subject", [*FAMILIES, *FINISHED], ids=lambda subject: subject.slug)
def test_a_page_opens_with_a_first_contact_and_derives_its_equation(subject: Family | Topic):
    page = read_page(subject)
    assert titles(page) == CHAPTER
    contact = section(page, "A first contact")
    assert len(_NUMBER.findall(contact)) >= 8, "it has numbers that one can redo on paper"
    assert _FORMULA.search(section(page, "Derivation"))


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.slug)
def test_a_family_ends_its_history_today(family: Family):
    page = read_page(family)
    history = section(page, "Where it comes from")
    assert history.count(TODAY) == 1
    assert re.search(r"\b202[56]\b", history.split(TODAY)[1])
    (alone,) = page.only("Where it stands today").sections
    assert alone.markdown == history.split(TODAY)[1].strip()


@pytest.mark.parametrize("subject", [*FAMILIES, *FINISHED], ids=lambda subject: subject.slug)
def test_every_work_is_cited(subject: Family | Topic):
    page = read_page(subject)
    n_works = len(re.findall(r"^\d+\. ", section(page, "References"), re.MULTILINE))
    text = "\n".join(part.markdown for part in page.sections if part.title != "References")
    text = re.sub(r"(?ms)^```.*?^```$|\$[^$]*\$|\{\{.*?\}\}", "", text)
    cited = {int(n) for found in _CITATION.findall(text) for n in found.split(", ")}
    missing = set(range(1, n_works + 1)) - cited
    assert not missing, f"never cited: {sorted(missing)}"
