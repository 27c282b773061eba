"""A formula on one line: fractions with a slash, scripts raised or behind `_` and `^`."""

from __future__ import annotations

from atlas_cli.mathematics.characters import accented, subscript, superscript, width
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
from atlas_cli.mathematics.spacing import spaced


class Linear:
    """Draws nodes as one line.

    Args:
        ascii: Use ASCII alone.
    """

    def __init__(self, ascii: bool) -> None:
        self.ascii = ascii

    def row(self, items: list[Node], tight: bool = False) -> str:
        """The parts one behind the other; `tight` as in a subscript."""
        line, text_before = "", ""
        before: Node = Space(0)
        parts = list(spaced(items, tight))
        for index, (blanks, _, item) in enumerate(parts):
            text = self.node(item, tight)
            if _is_factor(item, parts[index + 1 :]):
                text = f"({text})"  # (a/b) c, because a/b c may be read as a over bc
            if not blanks and run_together(before, text_before, item, text, tight):
                blanks = 1
            line += " " * blanks + text
            before, text_before = item, text
        return line

    def node(self, node: Node, tight: bool = False) -> str:
        """One part as text."""
        if isinstance(node, Atom):
            return node.ascii if self.ascii else node.text
        if isinstance(node, Space):
            return " " * node.columns
        if isinstance(node, Row):
            return self.row(node.items, tight)
        if isinstance(node, Script):
            return self._script(node, tight)
        if isinstance(node, Fraction):
            return self._fraction(node, tight)
        return self._enclosed(node, tight)

    def _enclosed(self, node: Root | Fenced | Accent | Brace | Grid, tight: bool) -> str:
        if isinstance(node, Fenced):
            if (
                len(node.body.items) == 1
                and isinstance(inner := node.body.items[0], Fraction)
                and not inner.bar
            ):
                return f"C({self.node(inner.top)}, {self.node(inner.bottom)})"
            return f"{self.node(node.left)}{self.node(node.body, tight)}{self.node(node.right)}"
        if isinstance(node, Root):
            return self.root(node)
        if isinstance(node, Accent):
            return self.accent(node) or f"{node.name}({self.node(node.body)})"
        if isinstance(node, Brace):
            return f"({self.node(node.body)})"
        return self._grid(node)

    # --- scripts ----------------------------------------------------------------------------------------

    def _script(self, node: Script, tight: bool) -> str:
        base = self.node(node.base, tight)
        if isinstance(node.base, Fraction) or (isinstance(node.base, Row) and len(node.base.items) > 1):
            base = f"({base})"
        return base + self.sub(node.sub) + self.sup(node.sup)

    def sub(self, node: Node | None) -> str:
        """What stands at the foot: lowered characters, or behind `_`."""
        if node is None:
            return ""
        text = self.node(node, tight=True)
        if not self.ascii and (lowered := None if is_word(node) else subscript(text)):
            return lowered
        return f"_{text}" if _is_sign(node) or text.isdigit() else f"_{{{text}}}"

    def sup(self, node: Node | None) -> str:
        """What stands at the shoulder: raised characters, or behind `^`."""
        if node is None:
            return ""
        text = self.node(node, tight=True)
        if self.ascii and text.strip("'") == "":
            return text
        if not self.ascii and (raised := None if is_word(node) else superscript(text)):
            return raised
        bare = _is_sign(node) or text.isdigit() or _is_bracketed(node)
        return f"^{text}" if bare else f"^({text})"

    # --- the rest ---------------------------------------------------------------------------------------

    def _fraction(self, node: Fraction, tight: bool) -> str:
        top, bottom = self.node(node.top, tight), self.node(node.bottom, tight)
        if not _is_product(node.top):
            top = f"({top})"
        if not _is_divisor(node.bottom):
            bottom = f"({bottom})"
        return f"{top}/{bottom}"

    def root(self, node: Root) -> str:
        """√x, √(x + y), ∛x, or with its degree raised."""
        body = self.node(node.body)
        if self.ascii:
            return f"sqrt({body})" if node.degree is None else f"root({self.node(node.degree)}, {body})"
        degree = "" if node.degree is None else self.node(node.degree, True)
        sign = (superscript(degree) or f"{degree} ") + "√" if degree else "√"
        return sign + (body if _is_single(node.body) else f"({body})")

    def accent(self, node: Accent) -> str | None:
        """A letter under its accent, or None where a combining mark cannot show it."""
        text = self.node(node.body, True)
        if self.ascii or width(text) != 1:
            return None
        return accented(text, node.mark)

    def _grid(self, grid: Grid) -> str:
        rows = [", ".join(self.node(cell) for cell in row) for row in grid.rows]
        if grid.left:
            return f"{grid.left}{'; '.join(rows)}{grid.right or ' }'}"
        if grid.align == "rl":
            rows = [self.row([item for cell in row for item in cell.items]) for row in grid.rows]
            return "; ".join(rows)
        return ", ".join(rows)


def run_together(left: Node, left_text: str, right: Node, right_text: str, tight: bool) -> bool:
    """Whether two names would read as one without a blank: `xₜ yₜ`, `p_θ x`, and in ASCII `beta t`."""
    if not (left_text[-1:].isalnum() or isinstance(left, Accent)) or not right_text[:1].isalnum():
        return False
    if isinstance(left, Script) and (not tight or "_" in left_text or "^" in left_text):
        return True
    return _is_name(left, left_text) or _is_name(right, right_text)


def _is_name(node: Node, text: str) -> bool:
    if isinstance(node, Row):
        return len(node.items) == 1 and _is_name(node.items[0], text)
    if isinstance(node, Accent):
        return width(text) > 1
    if not isinstance(node, Atom):
        return False
    return node.kind in ("bin", "rel") if width(text) == 1 else text[-1].isalpha()


def is_word(node: Node) -> bool:
    """Whether a script is a name, which is not read easily in raised or lowered letters."""
    if isinstance(node, Row):
        return len(node.items) == 1 and is_word(node.items[0])
    return isinstance(node, Atom) and len(node.text) > 1 and node.text.isalpha()


def _is_sign(node: Node) -> bool:
    """Whether a script needs no brackets to be seen as one thing."""
    if isinstance(node, Row):
        return len(node.items) == 1 and _is_sign(node.items[0])
    return isinstance(node, (Atom, Accent))


def _is_bracketed(node: Node) -> bool:
    if isinstance(node, Row):
        return len(node.items) == 1 and _is_bracketed(node.items[0])
    return isinstance(node, Fenced) and node.left.text == "("


def _is_single(row: Row) -> bool:
    """One part that a slash or a root sign binds to as a whole."""
    if len(row.items) != 1:
        return False
    item = row.items[0]
    base = item.base if isinstance(item, Script) else item
    if isinstance(base, Row):
        return _is_single(base)
    return not isinstance(base, (Fraction, Grid, Root)) or (item is base and isinstance(base, Root))


def _is_divisor(row: Row) -> bool:
    """What may follow a slash without brackets: one part, a function of something, a differential."""
    items = [item for item in row.items if not isinstance(item, Space)]
    if len(items) != 2:
        return _is_single(row)
    name, rest = items
    if isinstance(name, Atom) and name.text in ("∂", "d"):
        return _is_single(Row([rest]))
    sign = name.base if isinstance(name, Script) else name
    if not isinstance(sign, Atom) or not isinstance(rest, Fenced):
        return False
    return not any(kind in ("bin", "op") for _, kind, _ in spaced(rest.body.items))  # a (b + c) is a product


def _is_product(row: Row) -> bool:
    """Factors alone: no sum, no relation, no operator that would reach beyond the slash."""
    if any(isinstance(item, Fraction) for item in row.items):
        return False
    return not any(kind in ("rel", "bin", "op", "punct", "sign", "text") for _, kind, _ in spaced(row.items))


def _is_factor(item: Node, rest: list[tuple[int, str, Node]]) -> bool:
    if not isinstance(item, Fraction) or not rest:
        return False
    return rest[0][1] not in ("bin", "rel", "punct", "close", "text")
