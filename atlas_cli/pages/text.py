"""Markdown to lines of rich text, for wide and narrow terminals.

rich has a Markdown renderer too; it imports pygments, centres headings, and has no place for a diagram, a
formula or the address of a link, all of which a page of the atlas needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain

from rich.cells import cell_len
from rich.text import Text

from atlas_cli.pages.directives import diagram_named, is_guess
from atlas_cli.pages.markdown import Node, tree
from atlas_cli.screen.highlight import highlight
from atlas_cli.screen.lines import Lines, hang, indent, pairs, wrap
from atlas_cli.screen.tables import table
from atlas_cli.screen.terminal import ascii_only

_INLINE_STYLES = {"em": "italic", "strong": "bold", "s": "strike"}
_CODE_INDENT = 4


class Renderer:
    """Renders Markdown for one page.

    Args:
        width: Columns to fill.
        draw_diagram: Draws the diagram of that name within so many columns.
        page: Name of the page, for the message of a formula that cannot be drawn.
        family: Of the page: what a link to `index.md` beside it means.
        draw_guess: Draws the page's guess within so many columns.
    """

    def __init__(
        self, width: int, draw_diagram: Callable[[str, int], Lines], page: str = "", family: str = "",
        draw_guess: Callable[[int], Lines] = lambda room: [],
    ) -> None:  # fmt: skip
        self.width = width
        self._draw_guess = draw_guess
        self._family = family
        self._page = page
        self._draw_diagram = draw_diagram
        self._links: list[str] = []  # addresses in the order in which the text names them

    def render(self, markdown: str) -> Lines:
        """The whole text, its blocks one blank line apart."""
        return self._blocks(tree(markdown, self._family, self._page), self.width)

    def references(self) -> Lines:
        """The addresses behind the letters in the text."""
        rows = [
            (Text(f"[{_letter(i)}]", "atlas.muted"), Text(link, "atlas.muted"))
            for i, link in enumerate(self._links)
        ]
        return pairs(rows, self.width, gap=1)

    # --- blocks ---------------------------------------------------------------------------------------

    def _blocks(self, nodes: Iterable[Node], width: int, tight: bool = False) -> Lines:
        lines: Lines = []
        for node in nodes:
            if lines and not tight:
                lines.append(Text())
            lines += self._block(node, width)
        return lines

    def _block(self, node: Node, width: int) -> Lines:
        draw: Callable[[Node, int], Lines] | None = getattr(self, f"_{node.type}", None)
        return draw(node, width) if draw else wrap(Text(node.content), width)

    def _paragraph(self, node: Node, width: int) -> Lines:
        said = node.children[0].content
        if is_guess(said):
            return self._draw_guess(width)
        name = diagram_named(said)
        return self._draw_diagram(name, width) if name else wrap(self._text(node), width)

    def _heading(self, node: Node, width: int) -> Lines:
        text = self._text(node)
        text.stylize("atlas.head" if node.tag in ("h1", "h2") else "bold")
        return wrap(text, width)

    def _math_block(self, node: Node, width: int) -> Lines:
        from atlas_cli.mathematics import text as formulas  # late: most pages of the map have none

        rows = formulas.block(node.content, width - _CODE_INDENT, ascii=ascii_only(), page=self._page)
        return indent([Text(row, no_wrap=True) for row in rows], _CODE_INDENT)

    def _fence(self, node: Node, width: int) -> Lines:
        code = highlight(node.content.rstrip("\n"), node.info.strip().split(" ")[0].lower())
        rows = code.split("\n", allow_blank=True)
        return indent(chain.from_iterable(_code(row, width - _CODE_INDENT) for row in rows), _CODE_INDENT)

    _code_block = _fence

    def _hr(self, node: Node, width: int) -> Lines:
        return [Text("─" * min(width, 24), "atlas.muted")]

    def _blockquote(self, node: Node, width: int) -> Lines:
        bar = Text("│ ", "atlas.muted")
        return [bar + line for line in self._blocks(node.children, width - 2)]

    def _bullet_list(self, node: Node, width: int) -> Lines:
        return self._list(node, ["•"] * len(node.children), width)

    def _ordered_list(self, node: Node, width: int) -> Lines:
        start = int(node.attrs.get("start", 1))
        return self._list(node, [f"{start + i}." for i in range(len(node.children))], width)

    def _list(self, node: Node, marks: list[str], width: int) -> Lines:
        tight = all(p.hidden for item in node.children for p in item.children if p.type == "paragraph")
        hanging = 3 + max(map(len, marks))
        lines: Lines = []
        for mark, item in zip(marks, node.children, strict=True):
            if lines and not tight:
                lines.append(Text())
            marked = Text(f"{mark:>{hanging - 1}} ", "atlas.accent")
            lines += hang(marked, self._blocks(item.children, width - hanging, tight), hanging)
        return lines

    def _table(self, node: Node, width: int) -> Lines:
        rows = [
            [self._text(cell) for cell in row.children] for part in node.children for row in part.children
        ]
        header, *body = rows
        first_row = node.children[0].children[0]
        aligned = [
            str(cell.attrs.get("style", "")).removeprefix("text-align:") for cell in first_row.children
        ]
        return table(header, body, aligned, width)

    # --- inline ---------------------------------------------------------------------------------------

    def _text(self, node: Node) -> Text:
        text = Text()
        for child in node.children:
            self._inline(child, text, "")
        return text

    def _inline(self, node: Node, text: Text, style: str) -> None:
        if node.type == "inline":
            for child in node.children:
                self._inline(child, text, style)
        elif node.type in _INLINE_STYLES:
            for child in node.children:
                self._inline(child, text, f"{style} {_INLINE_STYLES[node.type]}".strip())
        elif node.type in ("link", "image"):
            self._link(node, text, style)
        else:
            self._leaf(node, text, style)

    def _leaf(self, node: Node, text: Text, style: str) -> None:
        if node.type == "code_inline":
            text.append(node.content, f"{style} atlas.code".strip())
        elif node.type == "math_inline":
            from atlas_cli.mathematics import text as formulas

            formula = formulas.inline(node.content, ascii=ascii_only(), page=self._page)
            text.append(formula, f"{style} atlas.code".strip())
        elif node.type == "softbreak":
            text.append(" ")
        elif node.type == "hardbreak":
            text.append("\n")
        else:
            text.append(node.content, style)

    def _link(self, node: Node, text: Text, style: str) -> None:
        start = len(text)
        for child in node.children:
            self._inline(child, text, style)
        address = str(node.attrs.get("href") or node.attrs.get("src"))
        if address.startswith("#"):
            return
        target = _page_command(address, self._family) or address
        text.stylize("atlas.accent" if target != address else f"atlas.accent link {address}", start)
        if not _says_where(text.plain[start:], target):
            if target not in self._links:
                self._links.append(target)
            text.append(f"[{_letter(self._links.index(target))}]", "atlas.muted")


def _letter(index: int) -> str:
    """a, b ... z, aa, ab ...: numbers are what pages cite their references with."""
    more, last = divmod(index, 26)
    return (_letter(more - 1) if more else "") + chr(ord("a") + last)


def _says_where(label: str, target: str) -> bool:
    """Whether the text of a link names its address: the address itself, or "arXiv:2312.00752"."""
    return target.split("://")[-1].removeprefix("arxiv.org/abs/") == label.split("://")[-1].removeprefix(
        "arXiv:"
    )


def _page_command(address: str, family: str = "") -> str | None:
    """The command behind a link to another page of the atlas: `../flow/cfm.md` is `atlas explain cfm`.

    `index.md` alone is the page of the family in which the link stands.
    """
    path = address.split("#")[0]
    if "://" in path or not path.endswith(".md"):
        return None
    parts = path.removesuffix(".md").split("/")
    if parts[-1] == "index":
        parts = [family, *parts][-2:-1]
    return f"atlas explain {parts[-1]}"


def _code(row: Text, width: int) -> Lines:
    """A line of code; what goes on below, for want of room, has a mark before it."""
    if cell_len(row.plain) <= width:
        return [row]
    mark = "> " if ascii_only() else "↪ "
    first, *rest = wrap(row, width - len(mark))
    return [first, *(Text.assemble((mark, "atlas.muted"), line) for line in rest)]
