"""A formula as a tree, what `parser` makes of TeX and what `linear` and `layout` draw."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Atom:
    """A sign, a letter or an upright name.

    Attributes:
        text, ascii, kind: As in `symbols.Symbol`; the kind may also be "text", for words of prose.
        limits: Whether a subscript stands underneath, for a named operator that `symbols` does not list.
    """

    text: str
    ascii: str
    kind: str = "ord"
    limits: bool = False


@dataclass(slots=True)
class Space:
    """A space that the author asked for, in columns."""

    columns: int


@dataclass(slots=True)
class Row:
    """Parts side by side."""

    items: list[Node] = field(default_factory=list)


@dataclass(slots=True)
class Script:
    """A base with something at its foot and its shoulder; under and over it where `limits`."""

    base: Node
    sub: Node | None = None
    sup: Node | None = None
    limits: bool = False


@dataclass(slots=True)
class Fraction:
    """One above the other; a binomial has no bar."""

    top: Row
    bottom: Row
    bar: bool = True


@dataclass(slots=True)
class Root:
    """A square root, or one of another degree."""

    body: Row
    degree: Row | None = None


@dataclass(slots=True)
class Fenced:
    """A body between delimiters that grow with it; an empty delimiter is invisible."""

    left: Atom
    body: Row
    right: Atom


@dataclass(slots=True)
class Accent:
    """A mark over a body: `mark` combines with one sign, `name` says it in words."""

    name: str
    mark: str
    body: Row


@dataclass(slots=True)
class Brace:
    """A horizontal brace; the label comes as a limit of it."""

    body: Row
    over: bool


@dataclass(slots=True)
class Grid:
    """A matrix, cases, or lines aligned at `&`.

    Attributes:
        rows: Cells, row by row.
        align: One of "l", "c", "r" a column, repeated as often as needed.
        gap: Columns between two cells.
        left, right: Delimiters, empty where there are none.
    """

    rows: list[list[Row]]
    align: str
    gap: int
    left: str = ""
    right: str = ""


Node = Atom | Space | Row | Script | Fraction | Root | Fenced | Accent | Brace | Grid
