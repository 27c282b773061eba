"""The whole site, written into a folder."""

from __future__ import annotations

from html import escape
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from atlas_cli import catalog
from atlas_cli.catalog import Family, Topic
from atlas_cli.diagrams.web import page as web_page
from atlas_cli.errors import EnvironmentFault, UsageError
from atlas_cli.pages import quiz
from atlas_cli.pages.html import anchor
from atlas_cli.pages.source import Page, read_page
from atlas_cli.site import ahead, figures, glossary, home, preview, quizzes, search, shell
from atlas_cli.site.address import path_of, quiz_path, relative
from atlas_cli.site.article import Places, article, has_diagrams, titles
from atlas_cli.site.shell import Content

_MARK = ".atlas-site"  # lists what a build wrote, so that the next one can take away what is no longer made


class Built(NamedTuple):
    """What a build wrote."""

    folder: Path
    pages: int
    bytes: int


def build(folder: Path, url: str = "") -> Built:
    """Write the site; a site that an earlier build wrote there is replaced, any other folder is left alone.

    Args:
        folder: Where to.
        url: Where it will stand, for the previews of its pages elsewhere; "" is not known.

    Raises:
        UsageError: the folder holds something else.
        EnvironmentFault: it cannot be written.
    """
    ahead.pack_all()
    files: dict[str, bytes] = {path: text.encode() for path, text in render(url).items()}
    files[shell.PREVIEW] = preview.png()
    try:
        _clear(folder)
        for path, content in files.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        (folder / _MARK).write_text("\n".join(sorted(files)) + "\n", encoding="utf-8")
    except OSError as error:
        raise EnvironmentFault(
            f"the site cannot be written: {error}", "choose another folder: atlas site OUT"
        ) from error
    n_pages = sum(path.endswith(".html") for path in files)
    return Built(folder, n_pages, sum(map(len, files.values())))


def render(url: str = "") -> dict[str, str]:
    """Every text file of the site by its path."""
    subjects: list[Topic | Family] = []
    for family in catalog.families():
        subjects += [family, *family.topics]
    read = [read_page(subject) for subject in subjects]
    contents = [home.home(), home.quizzes(), glossary.content(), *_in_reading_order(read)]
    files = {content.path: shell.page(content, url and url.rstrip("/") + "/") for content in contents}
    files[shell.STYLE] = shell.asset("site.css")
    files[shell.SCRIPT] = shell.script()
    files[shell.DIAGRAM_STYLE], files[shell.DIAGRAM_SCRIPT] = web_page.style(), web_page.script(loading=True)
    files |= figures.networks()
    found = [entry for page in read for entry in search.entries(page)]
    found += [entry for family in catalog.families() for entry in search.questions(family)]
    files[shell.INDEX] = search.script([*found, *glossary.entries()])
    return files


def _in_reading_order(read: list[Page]) -> list[Content]:
    """Every page of every family, its quiz last, each knowing its neighbours."""
    contents: list[Content] = []
    for page, following in pairwise([*read, None]):
        assert page is not None  # None is the end, and never comes first
        contents.append(_content(page))
        ends = following is None or following.family.slug != page.family.slug
        if ends and quiz.exists(page.family):
            aside, within = _aside(page.family), _contents(page.family, None)
            contents.append(quizzes.content(page.family)._replace(aside=aside, contents=within))
    named = [(content.path, content.title.removesuffix(" · atlas")) for content in contents]
    return [
        content._replace(before=before, after=after)
        for before, content, after in zip([None, *named], contents, [*named[1:], None], strict=False)
    ]


def _content(page: Page) -> Content:
    subject = page.subject
    path = path_of(subject)
    about = subject.line if isinstance(subject, Family) else subject.idea
    body = article(page, Places(path))
    return Content(
        path, f"{subject.title} · atlas", about, body, _aside(page.family, page),
        has_diagrams=has_diagrams(page), contents=_contents(page.family, page),
    )  # fmt: skip


def _contents(family: Family, page: Page | None) -> str:
    """The sections of a page, and the family around it, folded: what stands beside it on a wide screen."""
    here = path_of(page.subject) if page else quiz_path(family)
    title = page.subject.title if page else f"Quiz: {family.title}"
    sections = "".join(
        f'<li><a href="#{anchor(t)}">{escape(t)}</a></li>' for t in (titles(page) if page else ())
    )
    within = f'<nav aria-label="On this page"><ol>{sections}</ol></nav>\n' if sections else ""
    others = "\n".join(
        [*(_row(topic, here, None) for topic in family.topics), *_quiz_row(family, here, page)]
    )
    return (
        f'<details class="contents"><summary>{escape(title)}: contents</summary>\n{within}'
        f'<nav aria-label="The family"><a href="{relative(path_of(family), here)}">'
        f"{escape(family.title)}</a>\n<ol>{others}</ol></nav>\n</details>"
    )


def _aside(family: Family, page: Page | None = None) -> str:
    """The topics of the family, and under the one that is open its sections."""
    here = path_of(page.subject) if page else path_of(family)
    rows = "\n".join([*(_row(topic, here, page) for topic in family.topics), *_quiz_row(family, here, page)])
    current = ' aria-current="page"' if page and isinstance(page.subject, Family) else ""
    return (
        f'<nav class="aside" aria-label="{escape(family.title)}">\n'
        f'<a href="{relative(path_of(family), here)}"{current}>{escape(family.title)}</a>\n'
        f"<ol>\n{rows}\n</ol>\n</nav>"
    )


def _quiz_row(family: Family, here: str, page: Page | None) -> list[str]:
    """The quiz, open where no page is."""
    if not quiz.exists(family):
        return []
    current = "" if page else ' aria-current="page"'
    return [f'<li><a href="{relative(quiz_path(family), here)}"{current}>Quiz</a></li>']


def _row(topic: Topic, here: str, page: Page | None) -> str:
    path = path_of(topic)
    link = f'<a href="{relative(path, here)}">{escape(topic.title)}</a>'
    if page is None or path != here:
        return f"<li>{link}</li>"
    parts = "".join(f'<li><a href="#{anchor(title)}">{escape(title)}</a></li>' for title in titles(page))
    inner = f"<ol>{parts}</ol>" if parts else ""
    current = link.replace("<a ", '<a aria-current="page" ', 1)
    return f"<li>{current}{inner}</li>"


def _clear(folder: Path) -> None:
    """Take away what an earlier build wrote."""
    if not folder.exists() or not any(folder.iterdir()):
        return
    mark = folder / _MARK
    if not mark.is_file():
        raise UsageError(
            f"{folder} holds something that is not a site of the atlas", "name an empty or a new folder"
        )
    for path in mark.read_text(encoding="utf-8").splitlines():
        target = (folder / path).resolve()
        if target.is_relative_to(folder.resolve()):
            target.unlink(missing_ok=True)
