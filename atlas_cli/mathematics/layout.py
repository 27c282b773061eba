"""A formula in two dimensions: fractions stacked, limits under their signs, brackets that grow."""

from __future__ import annotations

from collections.abc import Callable

from atlas_cli.mathematics import boxes, symbols
from atlas_cli.mathematics.boxes import Box
from atlas_cli.mathematics.characters import subscript, superscript
from atlas_cli.mathematics.linear import Linear, is_word, run_together
from atlas_cli.mathematics.nodes import (
    Accent,
    Atom,
    Brace,
    Fenced,
    Fraction,
    Grid,
    Node,
    Root,
    Row,
    Script,
    Space,
)
from atlas_cli.mathematics.parser import delimiter
from atlas_cli.mathematics.spacing import spaced

_FRACTION_BARS = {False: "─", True: "-"}


class Layout:
    """Draws nodes as boxes.

    Args:
        ascii: Use ASCII alone; scripts then stay on the line, as `x_t` and `x^2`.
    """

    def __init__(self, ascii: bool) -> None:
        self.ascii = ascii
        self.linear = Linear(ascii)

    def row(self, items: list[Node], tight: bool = False) -> Box:
        """The parts side by side."""
        drawn: list[Box] = []
        before: Node = Space(0)
        for blanks, _, item in spaced(items, tight):
            box = self.node(item, tight)
            if not blanks and drawn:
                left, right = drawn[-1].rows[drawn[-1].base], box.rows[box.base]
                is_like_a_bar = left.endswith(("−", "-")) and right.startswith(_FRACTION_BARS[self.ascii])
                blanks = int(is_like_a_bar or run_together(before, left, item, right, tight))
            drawn += [boxes.line(" " * blanks), box]
            before = item
        return boxes.beside(drawn)

    def node(self, node: Node, tight: bool = False) -> Box:
        """One part as a box."""
        if isinstance(node, (Atom, Space)):
            return boxes.line(self.linear.node(node))
        if isinstance(node, Row):
            return self.row(node.items, tight)
        if isinstance(node, Script):
            return self._script(node, tight)
        if isinstance(node, Fraction):
            return self._fraction(node)
        if isinstance(node, Fenced):
            return self._fenced(node.left, self.node(node.body, tight), node.right)
        return self._decorated(node)

    def _decorated(self, node: Root | Accent | Brace | Grid) -> Box:
        if isinstance(node, Root):
            return self._root(node)
        if isinstance(node, Accent):
            return self._accent(node)
        if isinstance(node, Brace):
            return self._brace(node)
        return self._grid(node)

    # --- scripts ----------------------------------------------------------------------------------------

    def _script(self, node: Script, tight: bool) -> Box:
        base = self._base(node.base, tight)
        if node.limits and not tight:
            return self._limits(base, node)
        if base.is_tall:
            foot, shoulder = self._corner(node.sub, subscript), self._corner(node.sup, superscript)
            return boxes.scripted(base, foot, shoulder)
        sub, sup = self.linear.sub(node.sub), self.linear.sup(node.sup)
        low = self._side(node.sub) if node.sub and self._hangs(sub) else None
        high = self._side(node.sup) if node.sup and self._hangs(sup) else None
        if (low and high) or ((low or high) and not (sub and sup)):
            return boxes.scripted(base, low, high)
        return boxes.beside([base, self._column(sub, sup, low, high)])

    def _column(self, sub: str, sup: str, low: Box | None, high: Box | None) -> Box:
        """Two scripts of which at most one has to leave the line."""
        if low:
            column = boxes.stacked([boxes.line(sup), low], 0, "l")
        elif high:
            column = boxes.stacked([high, boxes.line(sub)], 1, "l")
        else:
            column = boxes.line(sub + sup)
        column.top = column.bottom = column.base
        return column

    def _hangs(self, script: str) -> bool:
        """Whether a script that Unicode has no characters for goes to a row of its own."""
        return not self.ascii and script.startswith(("_", "^"))

    def _base(self, node: Node, tight: bool) -> Box:
        if isinstance(node, Atom) and node.text in symbols.INTEGRALS and not tight and not self.ascii:
            copies = len({"∫": "⌠", "∮": "⌠", "∬": "⌠⌠", "∭": "⌠⌠⌠"}[node.text])
            middle = "╪" if node.text == "∮" else "⎮" * copies
            return Box(["⌠" * copies, middle, "⌡" * copies], 1, 0, 2)
        return self.node(node, tight)

    def _side(self, node: Node) -> Box:
        """A script of full size. It stays on one line: a script of a script a row further down is lost."""
        rows = node.items[0] if isinstance(node, Row) and len(node.items) == 1 else node
        return self._grid(rows) if isinstance(rows, Grid) else boxes.line(self.linear.node(node, tight=True))

    def _corner(self, node: Node | None, small: Callable[[str], str | None]) -> Box | None:
        """What stands at a corner of something tall, in small characters where Unicode has them."""
        if node is None:
            return None
        text = None if self.ascii or is_word(node) else small(self.linear.node(node, tight=True))
        return boxes.line(text) if text else self._side(node)

    def _limits(self, base: Box, node: Script) -> Box:
        parts = [base]
        if node.sup:
            parts.insert(0, self._side(node.sup))
        if node.sub:
            parts.append(self._side(node.sub))
        whole = boxes.stacked(parts, 1 if node.sup else 0)
        shift = whole.base - base.base
        whole.top, whole.bottom = base.top + shift, base.bottom + shift
        return whole

    # --- structures -------------------------------------------------------------------------------------

    def _fraction(self, node: Fraction) -> Box:
        top, bottom = self.node(node.top), self.node(node.bottom)
        columns = max(top.width, bottom.width, 1)
        bar = _FRACTION_BARS[self.ascii] * (columns + 2) if node.bar else " " * columns
        return boxes.stacked([top, boxes.line(bar), bottom], 1)

    def _fenced(self, left: Atom, body: Box, right: Atom) -> Box:
        signs = (left.ascii, right.ascii) if self.ascii else (left.text, right.text)
        first, last = (boxes.fence(sign, body, self.ascii) for sign in signs)
        return boxes.beside([first, body, last])

    def _root(self, node: Root) -> Box:
        body = self.node(node.body)
        if not body.is_tall and len(body.rows) == 1:
            return boxes.line(self.linear.root(node))
        sign = "sqrt" if self.ascii else "√"
        if node.degree is not None:
            sign = self.linear.root(Root(Row(), node.degree)).rstrip("(), ")
        return boxes.beside([boxes.line(sign), self._fenced(delimiter("("), body, delimiter(")"))])

    def _accent(self, node: Accent) -> Box:
        if (text := self.linear.accent(node)) is not None:
            return boxes.line(text)
        body = self.node(node.body)
        if self.ascii:
            return self._fenced(Atom(node.name + "(", node.name + "("), body, Atom(")", ")"))
        mark = {"hat": "^", "tilde": "~", "vec": "→", "underline": "─"}.get(node.name, "─")
        over = boxes.line(mark * body.width if mark in "─~" else mark)
        parts = [body, over] if node.name == "underline" else [over, body]
        return boxes.stacked(parts, parts.index(body))

    def _brace(self, node: Brace) -> Box:
        body = self.node(node.body)
        columns = max(body.width, 3)
        left, tip, right, rule = ("\\", "_", "/", "_") if self.ascii else ("╰", "┬", "╯", "─")
        if node.over:
            left, tip, right = ("/", "-", "\\") if self.ascii else ("╭", "┴", "╮")
        half = (columns - 3) // 2
        brace = boxes.line(left + rule * half + tip + rule * (columns - 3 - half) + right)
        parts = [brace, body] if node.over else [body, brace]
        return boxes.stacked(parts, parts.index(body))

    def _grid(self, grid: Grid) -> Box:
        cells = [[self.row(self._cell(row[c], c, grid)) for c in range(len(row))] for row in grid.rows]
        columns = max(len(row) for row in cells)
        widths = [max(row[c].width for row in cells if c < len(row)) for c in range(columns)]
        lines = []
        for row in cells:
            parts = []
            for column, box in enumerate(row):
                parts += [boxes.line(" " * (grid.gap if column else 0))]
                parts += [boxes.padded(box, widths[column], grid.align[column % len(grid.align)])]
            lines.append(boxes.beside(parts))
        if any(len(line.rows) > 1 for line in lines) and len(lines) > 1:
            lines = [part for line in lines for part in (boxes.line(""), line)][1:]
        body = boxes.stacked(lines, 0, "l")
        body.base = (len(body.rows) - 1) // 2
        return self._fenced(Atom(grid.left, grid.left), body, Atom(grid.right, grid.right))

    def _cell(self, cell: Row, column: int, grid: Grid) -> list[Node]:
        """The relation behind the & of aligned lines has something before it, in the cell at its left."""
        return [Row(), *cell.items] if grid.align == "rl" and column % 2 else cell.items
