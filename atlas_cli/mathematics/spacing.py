"""How many blanks stand between two parts of a formula: TeX's rules, in whole columns."""

from __future__ import annotations

from collections.abc import Iterator

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

# What a plus can follow; behind anything else it is a sign.
_OPERANDS = frozenset({"ord", "close", "inner", "root", "text", "fence", "post"})
# Pairs of kinds with a blank between them; relations, signs and commas have their own rule.
_APART = frozenset(
    [(left, "op") for left in ("ord", "close", "inner", "root", "op", "text")]
    + [("op", right) for right in ("ord", "root", "inner", "text", "fence")]
    + [("inner", right) for right in ("ord", "open", "root", "inner", "fence", "text")]
    + [(left, "inner") for left in ("ord", "close", "root", "fence", "text")]
    + [("root", right) for right in ("ord", "open", "root", "fence", "text")]
    + [("close", right) for right in ("text", "ord", "root")]
    + [("fence", "op")]
    + [("limits", right) for right in ("open", "ord", "op", "root", "inner", "fence", "text")]
)


def spaced(items: list[Node], tight: bool = False) -> Iterator[tuple[int, str, Node]]:
    """Each part with the blanks before it and its kind; a plus behind no operand is a sign, so "ord".

    Args:
        items: The parts of a row.
        tight: Leave out the space around signs, as in a subscript.
    """
    before, asked = "", 0
    for item in items:
        if isinstance(item, Space):
            asked = max(asked, item.columns)
            continue
        kind = _left(item)
        if kind == "bin" and before not in _OPERANDS:
            kind = "sign"
        blanks = _between(before, kind)
        if tight and not _is_name(before, kind):
            blanks = 0
        asked_here = 0 if tight and asked < 2 else asked
        yield (max(blanks, asked_here) if before or asked > 1 else 0), kind, item
        before = kind if kind in ("bin", "sign") else _right(item)
        asked = 0


def _is_name(left: str, right: str) -> bool:
    """Whether an upright name meets what may be read as part of it, which needs a blank at any size."""
    return (left, right) in _APART and ("op" in (left, right) or "limits" in (left, right))


def _between(left: str, right: str) -> int:
    if not left or left == "open" or right in ("close", "punct"):
        return 0
    if left == right == "rel":
        return 0
    if "rel" in (left, right) or "bin" in (left, right) or left == "punct":
        return 1
    if right == "sign":
        return int(left in ("op", "limits"))
    return int((left, right) in _APART)


def _left(node: Node) -> str:
    if isinstance(node, Atom):
        return node.kind
    if isinstance(node, Script):
        return _left(node.base)
    if isinstance(node, Fenced) or (isinstance(node, Grid) and node.left):
        return "fence" if isinstance(node, Fenced) and node.left.text in "|‖" else "open"
    return _both(node)


def _right(node: Node) -> str:
    if isinstance(node, Atom):
        return node.kind
    if isinstance(node, Script):
        right = _right(node.base)
        return "limits" if node.limits and right == "op" else right
    if isinstance(node, Fenced) or (isinstance(node, Grid) and node.left):
        return "close"
    return _both(node)


def _both(node: Node) -> str:
    if isinstance(node, Row):
        return _left(node.items[0]) if len(node.items) == 1 else "ord"
    if isinstance(node, (Fraction, Brace)):
        return "inner"
    if isinstance(node, Root):
        return "root"
    assert isinstance(node, (Accent, Grid, Space))
    return "ord"
