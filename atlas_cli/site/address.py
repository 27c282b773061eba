"""Where each page of the site lies, and how pages name each other: relatively, so that any host will do."""

from __future__ import annotations

import posixpath

from atlas_cli import catalog
from atlas_cli.catalog import Family, Topic
from atlas_cli.pages.html import slug_of

HOME = "index.html"
QUIZZES = "quiz.html"
GLOSSARY = "glossary.html"


def path_of(subject: Topic | Family) -> str:
    """The page of a topic or a family, from the site's root."""
    if isinstance(subject, Family):
        return f"{subject.slug}/index.html"
    return f"{subject.family}/{subject.slug}.html"


def quiz_path(family: Family) -> str:
    """The page of a family's quiz."""
    return f"{family.slug}/quiz.html"


def question_path(family: Family, number: int) -> str:
    """One question of it, counted from 1."""
    return f"{quiz_path(family)}#q{number}"


def relative(target: str, here: str) -> str:
    """The address of one page as another page writes it."""
    path, mark, fragment = target.partition("#")
    return posixpath.relpath(path, posixpath.dirname(here) or ".") + mark + fragment


def of_link(address: str, here: str) -> str:
    """The address behind a link of the Markdown, such as `../flow/cfm.md#try-it`."""
    by_family = address.split("#")[0].endswith("index.md")
    slug = slug_of(address)
    subject: Topic | Family
    if by_family:
        family = posixpath.dirname(here) if slug == "index" else slug
        subject = catalog.resolve_family(family)
    else:
        subject = catalog.resolve(slug)
    _, mark, fragment = address.partition("#")
    return relative(path_of(subject), here) + mark + fragment


def network_path(name: str) -> str:
    """The script of a network that a page computes with."""
    return f"assets/{name}.js"
