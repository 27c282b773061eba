"""The cells of a notebook in their order; each is known by the part that it stands in and its place there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from atlas_cli.errors import EnvironmentFault
from atlas_cli.pages.html import anchor

if TYPE_CHECKING:
    from nbformat import NotebookNode

_LONGEST = 56  # letters of a part's name in an id, which may have 64


class Cells:
    """Takes down cells.

    Raises:
        EnvironmentFault: what makes notebooks is not installed.
    """

    def __init__(self) -> None:
        try:
            from nbformat import v4
        except ImportError as error:
            raise EnvironmentFault(
                "a notebook needs the package nbformat, which is not installed", "pip install nbformat"
            ) from error
        self._v4: Any = v4
        self._part = "top"
        self._counts: dict[str, int] = {}
        self.made: list[NotebookNode] = []

    def part(self, title: str) -> None:
        """What follows stands under this title."""
        self._part = anchor(title)[:_LONGEST] or "part"

    def text(self, markdown: str) -> None:
        """A Markdown cell; of nothing, none."""
        if markdown.strip():
            self.made.append(self._v4.new_markdown_cell(markdown.strip(), id=self._id()))

    def code(self, source: str, shown: dict[str, Any] | None = None) -> None:
        """A code cell.

        Args:
            source: Its program.
            shown: What its last line shows, by MIME type: it stands there before anything has run.
        """
        outputs = [self._v4.new_output("execute_result", data=shown)] if shown else []
        self.made.append(self._v4.new_code_cell(source.strip(), id=self._id(), outputs=outputs))

    def notebook(self) -> NotebookNode:
        """All of them as one notebook, for a kernel of Python."""
        kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
        metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
        return self._v4.new_notebook(cells=self.made, metadata=metadata)

    def _id(self) -> str:
        number = self._counts[self._part] = self._counts.get(self._part, 0) + 1
        return f"{self._part}-{number}"
