"""The finished topics, their notebooks, and what is in them."""

from __future__ import annotations

from nbformat import NotebookNode

from atlas_cli import catalog
from atlas_cli.catalog import Topic
from atlas_cli.notebook import build
from atlas_cli.pages import source
from atlas_cli.recipe import recipes


def finished() -> list[str]:
    """The topics whose chapter is written."""
    return [topic.slug for topic in catalog.topics() if source.read_page(topic).sections]


def notebook(slug: str, recipe: str = "small") -> NotebookNode:
    """The notebook of a topic."""
    topic: Topic = catalog.resolve(slug)
    return build.notebook(topic, recipes.resolve(f"{slug}/{recipe}"))


def texts(made: NotebookNode) -> str:
    """All Markdown of a notebook."""
    return "\n\n".join(cell.source for cell in made.cells if cell.cell_type == "markdown")


def programs(made: NotebookNode) -> list[str]:
    """The code of its cells."""
    return [cell.source for cell in made.cells if cell.cell_type == "code"]
