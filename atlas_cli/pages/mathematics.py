"""Mathematics in Markdown: `$...$` and `$$...$$` become tokens, so that no TeX is read as emphasis."""

from __future__ import annotations

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline


def enable(parser: MarkdownIt) -> None:
    """Add the tokens `math_inline` and `math_block`; their `content` is the TeX between the dollars."""
    parser.inline.ruler.before("escape", "math_inline", _inline)
    parser.block.ruler.before("fence", "math_block", _block, {"alt": ["paragraph", "blockquote", "list"]})


def _inline(state: StateInline, silent: bool) -> bool:
    """`$x$`: a dollar, no blank after it and none before the closing one, so that "$5 and $6" stays text."""
    start = state.pos + 1
    if state.src[state.pos] != "$" or state.src[start : start + 1] in ("", " ", "$"):
        return False
    end = state.src.find("$", start)
    if end < 0 or state.src[end - 1] in " \\" or state.src[end + 1 : end + 2].isdigit():
        return False
    if not silent:
        token = state.push("math_inline", "", 0)
        token.content = state.src[start:end]
    state.pos = end + 1
    return True


def _block(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """`$$` at the start of a line, up to the line that ends in `$$`."""
    first = _line(state, start)
    if not first.startswith("$$"):
        return False
    if silent:
        return True
    lines, line = [first[2:]], start
    while not lines[-1].rstrip().endswith("$$"):
        line += 1
        if line >= end:
            return False
        lines.append(_line(state, line))
    token = state.push("math_block", "", 0)
    token.content = "\n".join(lines).rstrip().removesuffix("$$").strip()
    token.map = [start, line + 1]
    state.line = line + 1
    return True


def _line(state: StateBlock, line: int) -> str:
    return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]]
