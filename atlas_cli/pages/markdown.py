"""Markdown as a tree: parsed here, or shipped with the page whose text it is.

The parser takes a fifth of a page's first start, most of it to be imported. So the trees of the atlas's own
pages lie in content/<family>/parsed/ (`make frames` writes them), each under the digest of its text: a text
that changed is parsed, and nothing there can be out of date.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from atlas_cli import files, paths, shelf

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.tree import SyntaxTreeNode


class Node:
    """One block, or a piece of running text.

    Attributes:
        type: As markdown-it names it: `paragraph`, `inline`, `strong`, `math_block`.
        content: The text of what has no children, and of `inline`.
        tag: The HTML element, as in `h2`.
        info: What stands behind the opening of a fence.
        hidden: Whether it is a paragraph of a list without blank lines.
        attrs: `href`, `src`, `start` and `style`.
    """

    __slots__ = ("attrs", "children", "content", "hidden", "info", "tag", "type")

    def __init__(self, packed: list[Any]) -> None:
        """From what `pack` made."""
        self.type: str = packed[0]
        self.content: str = packed[1]
        self.children = [Node(child) for child in packed[2]]
        more: Any = packed[3:] or ("", "", False, {})
        self.tag: str = more[0]
        self.info: str = more[1]
        self.hidden: bool = more[2]
        self.attrs: dict[str, Any] = more[3]


@cache
def parser() -> MarkdownIt:
    """CommonMark with tables, strikethrough and mathematics, without HTML."""
    from markdown_it import MarkdownIt

    from atlas_cli.pages import mathematics

    made = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    made.disable(["html_block", "html_inline"])
    mathematics.enable(made)
    return made


def tree(markdown: str, family: str = "", page: str = "") -> list[Node]:
    """The blocks of a text, of this page of this family if it is one."""
    packed = _shipped(shipped_file(family, page)).get(shelf.digest(markdown)) if page else None
    return [Node(block) for block in (parsed(markdown) if packed is None else packed)]


def parsed(markdown: str) -> list[list[Any]]:
    """The blocks of a text as plain lists."""
    from markdown_it.tree import SyntaxTreeNode

    return [pack(node) for node in SyntaxTreeNode(parser().parse(markdown)).children]


def pack(node: SyntaxTreeNode) -> list[Any]:
    """A node as type, content, children, and the rest where there is any."""
    content = node.content if node.type == "inline" or not node.children else ""
    more = [node.tag, node.info, node.hidden, node.attrs]
    return [node.type, content, [pack(child) for child in node.children], *(more if any(more) else [])]


def ship(texts: Iterable[str], family: str, page: str) -> None:
    """Write the trees of a page's texts to where `tree` finds them."""
    lines = [
        f"{json.dumps(shelf.digest(text))}: {json.dumps(parsed(text), ensure_ascii=False)}" for text in texts
    ]
    file = shipped_file(family, page)
    file.parent.mkdir(exist_ok=True)
    file.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def shipped_file(family: str, page: str) -> Path:
    """Where the trees of a page lie; its family's own page is named like the family."""
    return paths.content_dir() / family / "parsed" / f"{page}.json"


@cache
def _shipped(file: Path) -> dict[str, Any]:
    try:
        known = json.loads(files.read(file))
    except (OSError, ValueError):  # none, as for a page just written, or a damaged one
        return {}
    return known if isinstance(known, dict) else {}
