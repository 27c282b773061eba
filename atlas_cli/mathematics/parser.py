"""TeX to a tree. What it does not know it refuses by name: a formula is drawn right or not at all."""

from __future__ import annotations

import re
from collections.abc import Callable

from atlas_cli.mathematics import symbols
from atlas_cli.mathematics.brackets import matched
from atlas_cli.mathematics.characters import styled
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

_TOKEN = re.compile(r"\\operatorname\*|\\[A-Za-z]+|\\.|\s+|\d+(?:\.\d+)?|.", re.DOTALL)
_FONTS = {
    "mathbb": "bb",
    "mathcal": "cal",
    "mathscr": "cal",
    "mathfrak": "frak",
    "mathbf": "bf",
    "boldsymbol": "bf",
}
_UPRIGHT = {"mathrm", "mathsf", "mathtt", "mathit"}
_TEXT = {"text", "textrm", "textit", "textbf", "texttt", "mbox"}
_STYLES = {"displaystyle", "textstyle", "scriptstyle", "nolimits"}  # the terminal has one size of letters
_GRIDS = {
    "matrix": ("c", 2, "", ""),
    "smallmatrix": ("c", 2, "", ""),
    "pmatrix": ("c", 2, "(", ")"),
    "bmatrix": ("c", 2, "[", "]"),
    "vmatrix": ("c", 2, "|", "|"),
    "Vmatrix": ("c", 2, "‖", "‖"),
    "cases": ("l", 3, "{", ""),
    "aligned": ("rl", 0, "", ""),
    "align": ("rl", 0, "", ""),
    "align*": ("rl", 0, "", ""),
    "split": ("rl", 0, "", ""),
    "gathered": ("c", 0, "", ""),
    "array": ("c", 2, "", ""),
}
_BIG = re.compile(r"\\(?:big|Big|bigg|Bigg)([lrm]?)$")
_NO_ATOM = Atom("", "", "none")


class ParseError(ValueError):
    """What is wrong, as the end of the sentence "the formula $...$ ..."."""


def parse(tex: str) -> Row:
    """The tree of a formula.

    Raises:
        ParseError: For a command that is not known and for braces or delimiters that do not match.
    """
    return _Parser(tex).row(lambda token: False)


def delimiter(text: str) -> Atom:
    """A delimiter by its sign."""
    return Atom(text, "||" if text == "‖" else text)


class _Parser:
    def __init__(self, tex: str) -> None:
        self.tokens = _TOKEN.findall(tex)
        self.at = 0

    # --- tokens -----------------------------------------------------------------------------------------

    def peek(self) -> str | None:
        while self.at < len(self.tokens) and self.tokens[self.at].isspace():
            self.at += 1
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def next(self, wanted: str) -> str:
        token = self.peek()
        if token is None:
            raise ParseError(f"ends where {wanted} should come")
        self.at += 1
        return token

    def expect(self, token: str) -> None:
        found = self.next(f"'{token}'")
        if found != token:
            raise ParseError(f"has '{found}' where '{token}' should come")

    def raw_group(self) -> str:
        """What stands in the next braces, untouched."""
        self.expect("{")
        depth, text = 1, ""
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            self.at += 1
            depth += {"{": 1, "}": -1}.get(token, 0)
            if depth == 0:
                return text
            text += token
        raise ParseError("lacks a '}'")

    # --- rows and scripts -------------------------------------------------------------------------------

    def row(self, ends: Callable[[str], bool]) -> Row:
        items: list[Node] = []
        while (token := self.peek()) is not None and not ends(token):
            if token in ("}", r"\right", r"\end", "&", r"\\"):
                raise ParseError(f"has '{token}' without its beginning")
            item = None if token in "^_'" else self.atom(self.next("a sign"))
            if item is not None or token in "^_'":
                items.append(self.scripts(item or Row()))
        return Row(matched(items))

    def scripts(self, base: Node) -> Node:
        sub: Node | None = None
        raised: list[Node] = []
        limits = _takes_limits(base)
        while (token := self.peek()) in ("^", "_", "'", r"\limits", r"\nolimits"):
            self.at += 1
            if token in (r"\limits", r"\nolimits"):
                limits = token == r"\limits"
            elif token == "'":
                raised.append(Atom("′", "'"))
            elif token == "^":
                raised.append(self.argument())
            elif sub is None:
                sub = self.argument()
            else:
                raise ParseError("has two subscripts at one base")
        if sub is None and not raised:
            return base
        return Script(base, sub, Row(raised) if raised else None, limits)

    def argument(self) -> Row:
        """A group in braces or a single sign."""
        token = self.next("an argument")
        if token == "{":
            row = self.row(lambda t: t == "}")
            self.expect("}")
            return row
        if len(token) > 1 and token[0].isdigit():  # x^10 raises the 1 alone
            self.tokens[self.at : self.at] = list(token[1:])
            token = token[0]
        node = self.atom(token)
        return Row([] if node is None else [node])

    # --- one sign or command ----------------------------------------------------------------------------

    def atom(self, token: str) -> Node | None:
        if token == "{":
            self.at -= 1
            return self.argument()
        if not token.startswith("\\"):
            if token == "~":
                return Space(1)
            symbol = symbols.CHARACTERS.get(token)
            return Atom(*symbol) if symbol else Atom(token, token)
        return self.command(token[1:])

    def command(self, name: str) -> Node | None:
        if name in symbols.COMMANDS:
            return Atom(*symbols.COMMANDS[name])
        if name in symbols.SPACES:
            return Space(symbols.SPACES[name])
        if name in symbols.FUNCTIONS:
            return Atom(name, name, "op")
        if name in symbols.ESCAPED:
            return Atom(name, name)
        if name in symbols.ACCENTS:
            plain = symbols.ACCENT_NAMES.get(name, name)
            return Accent(plain, symbols.ACCENTS[name], self.argument())
        if name in _STYLES:
            return None
        return self.lettering(name)

    def lettering(self, name: str) -> Node | None:
        if name in _FONTS:
            return _in_font(self.argument(), _FONTS[name])
        if name in _TEXT:
            text = self.raw_group()
            return Atom(text, text, "text")
        if name in _UPRIGHT:
            return _one_word(self.argument(), "ord")
        if name in ("operatorname", "operatorname*"):
            return _one_word(self.argument(), "op", limits=name.endswith("*"))
        return self.structure(name)

    def structure(self, name: str) -> Node | None:
        if name in ("frac", "dfrac", "tfrac", "cfrac"):
            return Fraction(self.argument(), self.argument())
        if name == "binom":
            fraction = Fraction(self.argument(), self.argument(), bar=False)
            return Fenced(delimiter("("), Row([fraction]), delimiter(")"))
        if name == "sqrt":
            return self.root()
        if name in ("underbrace", "overbrace"):
            return Brace(self.argument(), over=name == "overbrace")
        if name in ("underset", "overset", "stackrel"):
            mark, base = self.argument(), self.argument()
            sub, sup = (mark, None) if name == "underset" else (None, mark)
            return Script(base, sub, sup, limits=True)
        if name == "substack":
            return self.substack()
        return self.delimited(name)

    def delimited(self, name: str) -> Node | None:
        if name == "left":
            left = self.delimiter()
            body = self.row(lambda token: token == r"\right")
            self.expect(r"\right")
            return Fenced(left, body, self.delimiter())
        if name == "middle":
            return self.delimiter()
        if big := _BIG.match("\\" + name):
            sign = self.delimiter()
            sign.kind = {"l": "open", "r": "close", "m": "rel"}.get(big[1], sign.kind)
            return sign
        if name == "begin":
            return self.environment()
        raise ParseError(f"has the command \\{name}, which is not known")

    def delimiter(self) -> Atom:
        token = self.next("a delimiter")
        node = _NO_ATOM if token == "." else self.atom(token)
        if not isinstance(node, Atom) or node.kind not in ("open", "close", "fence", "slash", "none"):
            raise ParseError(f"has '{token}' where a delimiter should come")
        return Atom(node.text, node.ascii, node.kind)

    def root(self) -> Root:
        degree = None
        if self.peek() == "[":
            self.at += 1
            degree = self.row(lambda token: token == "]")
            self.expect("]")
        return Root(self.argument(), degree)

    def environment(self) -> Grid:
        name = self.raw_group()
        if name not in _GRIDS:
            raise ParseError(f"has the environment {name}, which is not known")
        align, gap, left, right = _GRIDS[name]
        if name == "array":
            align = self.raw_group().replace("|", "").replace(" ", "")
        rows = self.cells(lambda token: token == r"\end")
        self.expect(r"\end")
        if (end := self.raw_group()) != name:
            raise ParseError(f"ends the environment {name} with {end}")
        return Grid(rows, align, gap, left, right)

    def substack(self) -> Grid:
        self.expect("{")
        rows = self.cells(lambda token: token == "}")
        self.expect("}")
        return Grid(rows, "c", 0)

    def cells(self, ends: Callable[[str], bool]) -> list[list[Row]]:
        rows: list[list[Row]] = [[]]
        while True:
            rows[-1].append(self.row(lambda token: ends(token) or token in ("&", r"\\")))
            token = self.peek()
            if token == "&":
                self.at += 1
            elif token == r"\\":
                self.at += 1
                rows.append([])
            else:
                break
        if not any(cell.items for cell in rows[-1]):  # a \\ after the last line
            rows.pop()
        return rows


def _takes_limits(base: Node) -> bool:
    if isinstance(base, Row) and len(base.items) == 1:
        base = base.items[0]
    if isinstance(base, Atom) and base.kind == "op":
        return base.limits or base.text in symbols.LIMITS
    return isinstance(base, Brace)


def _in_font(row: Row, font: str) -> Node:
    for item in row.items:
        sign = item.base if isinstance(item, Script) else item
        if isinstance(sign, Atom):
            sign.text = styled(sign.text, font)
        elif isinstance(sign, Accent):
            _in_font(sign.body, font)
    return row.items[0] if len(row.items) == 1 else row


def _one_word(row: Row, kind: str, limits: bool = False) -> Node:
    """`\\mathrm{KL}` and `\\operatorname{softmax}`: letters that are one name."""
    word = Atom("", "", kind, limits)
    for item in row.items:
        if isinstance(item, Space):
            word.text, word.ascii = word.text + " " * item.columns, word.ascii + " " * item.columns
        elif isinstance(item, Atom):
            word.text, word.ascii = word.text + item.text.replace("−", "-"), word.ascii + item.ascii
        else:
            return row
    return word
