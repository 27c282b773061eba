"""Markdown to semantic HTML: headings with addresses, MathML, coloured code, references, diagrams in place.

What a page links to differs between a site and a single file, and so does how a diagram is drawn; both are
given to the renderer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from html import escape
from itertools import groupby

from markdown_it.tree import SyntaxTreeNode

from atlas_cli.mathematics import mathml
from atlas_cli.pages.directives import diagram_named, is_guess
from atlas_cli.pages.glossary import Marker
from atlas_cli.pages.markdown import parser
from atlas_cli.screen.highlight import highlight

_NOT_A_WORD = re.compile(r"[\W_]+")
_FORMULA = r"<math(?:(?!</math>).)*</math>"
_WITH_STOPS = re.compile(rf"\({_FORMULA}[.,;:!?)]*|{_FORMULA}[.,;:!?)]+", re.DOTALL)  # no line ends within
_CITATION = re.compile(r"\[(\d+(?:, ?\d+)*)\]")
_NUMBER = re.compile(r"\d+")
_PLAIN = ("text", "softbreak")
_INLINE_TAGS = ("em", "strong", "s")
REFERENCES = "References"
FOLDED = frozenset({"Derivation"})  # what a reader may pass over: closed until opened


def anchor(title: str) -> str:
    """The address of a heading on its page: "How it works" is how-it-works."""
    return _NOT_A_WORD.sub("-", title.casefold()).strip("-")


class HtmlRenderer:
    """Renders Markdown for one page.

    Args:
        draw_diagram: The HTML of the diagram of that name.
        link_to: The address behind a link to another page of the atlas (`../flow/cfm.md`), or None where that
            page is not at hand; every other address stays as it is.
        page: Name of the page, for the message of a formula that cannot be converted.
        family: Of the page: what a link to `index.md` beside it means.
        marker: Links the words of the glossary in running text: not in headings, links, code or references.
        draw_guess: The HTML of the page's guess.
    """

    def __init__(
        self, draw_diagram: Callable[[str], str], link_to: Callable[[str], str | None], page: str = "",
        family: str = "index", marker: Marker | None = None, draw_guess: Callable[[], str] = str,
    ) -> None:  # fmt: skip
        self._draw_guess = draw_guess
        self._family = family
        self._marker = marker
        self._draw_diagram = draw_diagram
        self._link_to = link_to
        self._page = page
        self._n_references = 0

    def section(self, title: str, markdown: str, n_references: int = 0) -> str:
        """A titled part of a chapter.

        Args:
            title: Its heading.
            markdown: What stands below it.
            n_references: How many works the page lists; `[3]` in the text becomes a link to the third.
        """
        if title == REFERENCES:
            body = self.references(markdown)
        elif title in FOLDED:
            # Many readers pass over it, so what is explained in it is explained again where they go on.
            with self._marking(self._marker and self._marker.aside()):
                body = self.render(markdown, n_references)
            body = f"<details><summary>Step by step</summary>\n{body}\n</details>"
        else:
            body = self.render(markdown, n_references)
        name = anchor(title)
        return (
            f'<section id="{name}" aria-labelledby="{name}-title">\n'
            f'<h2 id="{name}-title"><a class="anchor" href="#{name}">{escape(title)}</a></h2>\n'
            f"{body}\n</section>"
        )

    def render(self, markdown: str, n_references: int = 0) -> str:
        """The whole text."""
        self._n_references = n_references
        return self._blocks(SyntaxTreeNode(parser().parse(markdown)).children)

    def inline(self, markdown: str) -> str:
        """A sentence, without a paragraph around it."""
        return self._children(SyntaxTreeNode(parser().parseInline(markdown)))

    def references(self, markdown: str) -> str:
        """The list of works, each with an address of its own."""
        self._n_references = 0
        (numbered,) = SyntaxTreeNode(parser().parse(markdown)).children
        with self._marking(None):
            items = _lines(
                f'<li id="ref-{i}">{self._blocks(item.children, tight=True)}</li>'
                for i, item in enumerate(numbered.children, start=1)
            )
        return f'<ol class="references">\n{items}\n</ol>'

    @contextmanager
    def _marking(self, marker: Marker | None) -> Iterator[None]:
        """Let another marker link the words, or none, for a while."""
        usual, self._marker = self._marker, marker
        yield
        self._marker = usual

    # --- blocks ---------------------------------------------------------------------------------------

    def _blocks(self, nodes: Iterable[SyntaxTreeNode], tight: bool = False) -> str:
        return _lines(self._block(node, tight) for node in nodes)

    def _block(self, node: SyntaxTreeNode, tight: bool) -> str:
        if tight and node.type == "paragraph":
            return self._children(node)
        draw: Callable[[SyntaxTreeNode], str] | None = getattr(self, f"_{node.type}", None)
        return draw(node) if draw else f"<p>{escape(node.content)}</p>"

    def _paragraph(self, node: SyntaxTreeNode) -> str:
        said = node.children[0].content
        if is_guess(said):
            return self._draw_guess()
        name = diagram_named(said)
        return self._draw_diagram(name) if name else f"<p>{self._children(node)}</p>"

    def _heading(self, node: SyntaxTreeNode) -> str:
        name = anchor(node.children[0].content)
        with self._marking(None):
            return f'<{node.tag} id="{name}">{self._children(node)}</{node.tag}>'

    def _math_block(self, node: SyntaxTreeNode) -> str:
        formula = mathml.block(node.content, self._page)
        return f'<div class="formula">{formula}</div>'

    def _fence(self, node: SyntaxTreeNode) -> str:
        return code_block(node.content.rstrip("\n"), node.info.strip().split(" ")[0].lower())

    _code_block = _fence

    def _hr(self, node: SyntaxTreeNode) -> str:
        return "<hr>"

    def _blockquote(self, node: SyntaxTreeNode) -> str:
        return f"<blockquote>\n{self._blocks(node.children)}\n</blockquote>"

    def _bullet_list(self, node: SyntaxTreeNode) -> str:
        return f"<ul>\n{self._items(node)}\n</ul>"

    def _ordered_list(self, node: SyntaxTreeNode) -> str:
        start = int(node.attrs.get("start", 1))
        first = f' start="{start}"' if start != 1 else ""
        return f"<ol{first}>\n{self._items(node)}\n</ol>"

    def _items(self, node: SyntaxTreeNode) -> str:
        tight = all(p.hidden for item in node.children for p in item.children if p.type == "paragraph")
        return _lines(f"<li>{self._blocks(item.children, tight)}</li>" for item in node.children)

    def _table(self, node: SyntaxTreeNode) -> str:
        parts = [
            f"<{part.tag}>{''.join(self._row(row) for row in part.children)}</{part.tag}>"
            for part in node.children
        ]
        return f'<div class="table"><table>{_lines(parts)}</table></div>'

    def _row(self, row: SyntaxTreeNode) -> str:
        return f"<tr>{''.join(self._cell(cell) for cell in row.children)}</tr>"

    def _cell(self, cell: SyntaxTreeNode) -> str:
        way = str(cell.attrs.get("style", "")).removeprefix("text-align:")
        aligned = f' class="{way}"' if way else ""
        inside = self._children(cell)
        if cell.tag == "td" or not inside:  # a corner that heads nothing is no heading
            return f"<td{aligned}>{inside}</td>"
        text = "".join(child.content for child in cell.children)
        spoken = f' aria-label="{escape(text.strip("$"))}"' if inside.startswith("<math") else ""
        return f'<th scope="col"{spoken}{aligned}>{inside}</th>'

    # --- inline ---------------------------------------------------------------------------------------

    def _children(self, node: SyntaxTreeNode) -> str:
        """Everything inside; text and the line ends in it are one piece, as a word of two may end a line."""
        return "".join(
            self._words("".join(part.content or "\n" for part in parts))
            if plain
            else "".join(map(self._inline, parts))
            for plain, parts in groupby(node.children, key=lambda part: part.type in _PLAIN)
        )

    def _words(self, text: str) -> str:
        escaped = escape(text, quote=False)
        return _CITATION.sub(self._citation, self._marker(escaped) if self._marker else escaped)

    def _inline(self, node: SyntaxTreeNode) -> str:
        if node.type == "inline":
            return _WITH_STOPS.sub(r'<span class="whole">\g<0></span>', self._children(node))
        if node.type in _INLINE_TAGS:
            return f"<{node.type}>{self._children(node)}</{node.type}>"
        if node.type in ("link", "image"):
            return self._link(node)
        return self._leaf(node)

    def _leaf(self, node: SyntaxTreeNode) -> str:
        if node.type == "code_inline":
            return f"<code>{escape(node.content)}</code>"
        if node.type == "math_inline":
            return mathml.inline(node.content, self._page)
        return "<br>\n" if node.type == "hardbreak" else escape(node.content, quote=False)

    def _citation(self, match: re.Match[str]) -> str:
        numbers = [int(number) for number in _NUMBER.findall(match[1])]
        if not all(1 <= number <= self._n_references for number in numbers):
            return match[0]
        links = ", ".join(f'<a href="#ref-{number}">{number}</a>' for number in numbers)
        return f'<span class="cite">[{links}]</span>'

    def _link(self, node: SyntaxTreeNode) -> str:
        """A link; an image is one too, since pages carry their pictures as diagrams."""
        with self._marking(None):
            text = self._children(node)
        address = str(node.attrs.get("href") or node.attrs.get("src"))
        if is_page(address):
            target = self._link_to(address)
            if target is None:
                slug = slug_of(address, self._family)
                return f'<span title="atlas explain {escape(slug)}">{text}</span>'
            return f'<a href="{escape(target)}">{text}</a>'
        return f'<a href="{escape(address)}">{text}</a>'


def is_page(address: str) -> bool:
    """Whether a link leads to another page of the atlas."""
    return "://" not in address and address.split("#")[0].endswith(".md")


def slug_of(address: str, family: str = "index") -> str:
    """The topic or family that such a link names: `../flow/cfm.md` is cfm, `../flow/index.md` is flow.

    `index.md` alone is the family in which the link stands.
    """
    parts = [family, *address.split("#")[0].removesuffix(".md").split("/")]
    return parts[-2] if parts[-1] == "index" else parts[-1]


def code_block(code: str, language: str) -> str:
    """Code with its words marked: `k` keyword, `n` name, `s` string, `d` number, `c` comment."""
    kinds = {"atlas.keyword": "k", "atlas.accent": "n", "atlas.code": "s", "atlas.number": "d"}
    text = highlight(code, language) if language else None
    letters = [""] * len(code)
    for span in text.spans if text else ():
        kind = kinds.get(str(span.style), "c")
        letters[span.start : span.end] = [kind] * (span.end - span.start)
    marked = []
    for kind, run in groupby(zip(code, letters, strict=True), key=lambda pair: pair[1]):
        piece = escape("".join(letter for letter, _ in run), quote=False)
        marked.append(f'<span class="{kind}">{piece}</span>' if kind else piece)
    body = "".join(marked)
    return f'<pre class="code {escape(language)}"><code>{body}</code></pre>'


def n_references(markdown: str) -> int:
    """How many works a list of references names."""
    return len(re.findall(r"^\d+\. ", markdown, re.MULTILINE))


def _lines(parts: Iterable[str]) -> str:
    return "\n".join(parts)
