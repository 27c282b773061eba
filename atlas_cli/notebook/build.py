"""A topic's page as a notebook: its text, its diagrams, its exercises, a training, its quiz."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from atlas_cli import catalog
from atlas_cli.catalog import Topic
from atlas_cli.errors import UsageError
from atlas_cli.notebook import asking, training
from atlas_cli.notebook.cells import Cells
from atlas_cli.notebook.prose import Links, plain
from atlas_cli.pages.directives import GUESS, needs_run
from atlas_cli.pages.html import REFERENCES
from atlas_cli.pages.source import Page, facts_of, read_page

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from atlas_cli.recipe.model import Recipe

_PLACED = re.compile(r"^\{\{\s*diagram\s+([\w-]+)\s*\}\}[ \t]*$", re.MULTILINE)
_DIAGRAMS, _TRY_IT = "Diagrams", "Try it"
_HOW = """The chapter of the atlas on {title}, to read and to run. It runs where the atlas is installed. A
command such as `atlas explain {slug}` is for a terminal; in a cell it begins with an exclamation mark. A
diagram that stands still moves once its cell has run, or once Jupyter trusts the notebook."""


def notebook(topic: Topic, recipe: Recipe | None) -> NotebookNode:
    """The notebook of a topic, with its diagrams in place before anything has run.

    Args:
        topic: Its chapter must be written.
        recipe: What it trains; None: nothing.

    Raises:
        UsageError: there is no chapter on the topic yet.
        EnvironmentFault: what makes notebooks is not installed.
    """
    page = read_page(topic)
    if not page.sections:
        written = next(t.slug for t in catalog.topics() if read_page(t).sections)
        raise UsageError(f"the chapter on {topic.slug} is not written yet", f"atlas notebook {written}")
    cells, links = Cells(), Links(topic.family)
    _opening(cells, links, page, topic)
    ending = [section for section in page.sections if section.title == REFERENCES]
    for section in page.sections:
        if section.title == _TRY_IT:
            _unplaced(cells, page, topic)
        if section.title != REFERENCES:
            cells.part(section.title)
            asked = GUESS.sub(lambda _: asking.guess(topic), plain(section.markdown))  # it may hold links
            _prose(cells, topic, f"## {section.title}\n\n{links(asked)}")
    asking.exercises(cells, topic)
    if recipe is not None:
        training.train(cells, topic, recipe)
    asking.quiz(cells, topic)
    for section in ending:
        cells.part(section.title)
        cells.text(f"## {section.title}\n\n{links(plain(section.markdown))}")
    asking.words(cells, page)
    return cells.notebook()


def content(made: NotebookNode) -> bytes:
    """What stands in its file, held against the format's schema."""
    import nbformat

    nbformat.validate(made)
    text: str = nbformat.writes(made)
    return f"{text}\n".encode()


def _opening(cells: Cells, links: Links, page: Page, topic: Topic) -> None:
    """Title, facts, how the notebook is used, and what stands before the first section."""
    facts = "\n".join(f"- **{label}:** {value}" for label, value in facts_of(topic).items())
    how = " ".join(_HOW.split()).format(title=topic.title, slug=topic.slug)
    cells.text(f"# {topic.title}\n\n{plain(topic.name)}\n\n{plain(facts)}\n\n*{how}*")
    cells.code("from atlas_cli import api")
    _prose(cells, topic, links(plain(page.opening)))


def _prose(cells: Cells, topic: Topic, markdown: str) -> None:
    """Text, with a cell for each diagram that stands in it."""
    pieces = _PLACED.split(markdown)
    for text, name in zip(pieces[::2], [*pieces[1::2], ""], strict=True):
        cells.text(text)
        if name:
            _diagram(cells, topic, name)


def _diagram(cells: Cells, topic: Topic, name: str) -> None:
    from atlas_cli import reading
    from atlas_cli.diagrams import gallery

    found = gallery.find(topic, name)
    source = f'api.diagram("{found.topics[0]}", "{found.name}")'
    if needs_run(found):
        cells.text(f'{found.title}: `{source[:-1]}, run="latest")`, once there is a run.')
        return
    drawing = reading.diagram(found.topics[0], found.name)
    shown = {"text/html": drawing._repr_html_(), "text/plain": repr(drawing)}
    cells.code(source, {**shown, "image/svg+xml": drawing._repr_svg_()})


def _unplaced(cells: Cells, page: Page, topic: Topic) -> None:
    """Diagrams of the topic that its text does not show."""
    from atlas_cli.site import figures

    texts = "\n".join([page.opening, *(section.markdown for section in page.sections)])
    placed = {match[1] for match in _PLACED.finditer(texts)}
    names = [name for name in figures.own(topic) if name not in placed]
    if not names:
        return
    cells.part(_DIAGRAMS)
    cells.text(f"## {_DIAGRAMS}")
    for name in names:
        _diagram(cells, topic, name)
