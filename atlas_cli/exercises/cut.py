"""An exercise cut from the project's source: the function around the marked lines, and all that it needs.

The marks are comments in the source, `# exercise: NAME` before the lines and `# end` after them. Nothing is
imported to cut; the file is read as text, torch least of all.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import atlas_cli
from atlas_cli.errors import DataError
from atlas_cli.exercises.model import Exercise, Mistake

START, END = "# exercise: ", "# end"
HOLE = "raise NotImplementedError  # instead of this line"
_SHAPE, _TIE = re.compile(r"\([A-Za-z/0-9]+, [^()]{0,20}\)"), "\N{NO-BREAK SPACE}"
_FROM, _TO = "# your lines, from here ...", "# ... to here"
_SHORT = 8  # lines of a function that is shown where another needs it; longer ones are imported
_DROPPED = {"property", "staticmethod", "classmethod", "override"}  # decorators that need the class


class Cut(NamedTuple):
    """What an exercise is made of.

    Attributes:
        path: The source file.
        first_line: Of the marked lines there, from 1.
        owner: The class that the function is a method of; "": none.
        function: Its name.
        needs: Imports and the small definitions that it uses.
        before: The function up to the marked lines.
        lines: The marked lines.
        after: What follows them in the function.
    """

    path: Path
    first_line: int
    owner: str
    function: str
    needs: str
    before: str
    lines: str
    after: str

    def filled(self, lines: str) -> str:
        """The program with other lines in the place of the marked ones."""
        return f"{self.needs}\n\n{self.before}{lines}{self.after}"

    @property
    def hole(self) -> str:
        """What stands in the place of the marked lines to begin with."""
        indent = self.lines[: len(self.lines) - len(self.lines.lstrip())]
        return "".join(f"{indent}{line}\n" for line in (_FROM, HOLE, _TO))

    def mistaken(self, mistake: Mistake) -> str:
        """The program with a mistake in it.

        Raises:
            DataError: the piece that it changes is not there, or not once.
        """
        times = self.lines.count(mistake.old)
        if times != 1:
            what = f"{mistake.old!r} stands {times} times in the marked lines of {self.path}"
            raise DataError(what, "mend the exercise")
        return self.filled(self.lines.replace(mistake.old, mistake.new))


@cache
def cut(exercise: Exercise) -> Cut:
    """The exercise out of its source.

    Raises:
        DataError: the marks are missing, or stand in no function.
    """
    path = Path(atlas_cli.__file__).parent.joinpath(*exercise.module.split(".")[1:]).with_suffix(".py")
    return cut_from(path.read_text(encoding="utf-8"), path, exercise.name, exercise.module)


def cut_from(source: str, path: Path, name: str, module: str) -> Cut:
    """The lines that a name marks in a source, and all around them.

    Args:
        source: The text of the file.
        path: The file, for messages.
        name: Of the exercise.
        module: As which others import it.

    Raises:
        DataError: as `cut`.
    """
    rows = source.splitlines()
    first, last = _marked(rows, name, path)
    tree = ast.parse(source)
    owner, function = _around(tree, first + 1, path)
    top = min([function.lineno, *(d.lineno for d in function.decorator_list)])
    bottom = function.end_lineno or function.lineno
    bottom = max(bottom, last + 1)  # the end mark may be the last line of all
    head = [row for row in _decorators(function, rows) if row] + rows[function.lineno - 1 : first]
    indent = " " * function.col_offset
    before, marked, after = (
        _text(part, indent) for part in (head, rows[first + 1 : last], rows[last + 1 : bottom])
    )
    used = _names(ast.parse(_text(rows[top - 1 : bottom], indent)))
    needs = _needs(tree, rows, used, function.name if not owner else "", module)
    return Cut(path, first + 2, owner, function.name, needs, before, marked, after)


def _marked(rows: list[str], name: str, path: Path) -> tuple[int, int]:
    """Where the two marks stand, from 0."""
    starts = [i for i, row in enumerate(rows) if row.strip() == f"{START}{name}"]
    if len(starts) != 1:
        raise DataError(f"{path} marks {len(starts)} exercises {name}", f"mark one: {START}{name}")
    ends = (i for i, row in enumerate(rows) if i > starts[0] and row.strip() == END)
    last = next(ends, None)
    if last is None:
        raise DataError(f"{path} does not say where the exercise {name} ends", f"mark it: {END}")
    return starts[0], last


def _around(tree: ast.Module, line: int, path: Path) -> tuple[str, ast.FunctionDef]:
    for node in tree.body:
        inner = node.body if isinstance(node, ast.ClassDef) else [node]
        for function in inner:
            if isinstance(function, ast.FunctionDef) and function.lineno < line <= (function.end_lineno or 0):
                return (node.name if isinstance(node, ast.ClassDef) else ""), function
    raise DataError(f"the mark in line {line} of {path} stands in no function", "move it into one")


def _decorators(function: ast.FunctionDef, rows: list[str]) -> Iterator[str]:
    for decorator in function.decorator_list:
        if ast.unparse(decorator).rpartition(".")[2] not in _DROPPED:
            yield rows[decorator.lineno - 1]


def _text(rows: Iterable[str], indent: str) -> str:
    """Lines of a function moved to the margin, without the marks of this exercise and of others."""
    kept = (row for row in rows if row.strip() != END and not row.strip().startswith(START))
    return "".join(f"{row.removeprefix(indent)}\n" for row in kept)


def _names(tree: ast.AST) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def _needs(tree: ast.Module, rows: list[str], used: set[str], own: str, module: str) -> str:
    """Import lines, then the source of what else the file defines and the function uses.

    Classes and long functions are imported from the file itself.
    """
    definitions = {name: node for node in tree.body for name in _defined(node) if name != own}
    waiting = [name for name in used if name in definitions]
    pasted: dict[str, ast.stmt] = {}
    imported: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in pasted or name in imported:
            continue
        node = definitions[name]
        if isinstance(node, ast.ClassDef) or (node.end_lineno or 0) - node.lineno >= _SHORT:
            imported.add(name)
            continue
        pasted[name] = node
        used |= _names(node)
        waiting += [other for other in _names(node) if other in definitions]
    imports = _imports(tree, used)
    if imported:
        imports.append(f"from {module} import {', '.join(sorted(imported))}")
    nodes = sorted({id(node): node for node in pasted.values()}.values(), key=lambda node: node.lineno)
    blocks = [_definition(node, rows) for node in nodes]
    return "\n".join(["from __future__ import annotations\n", *_ordered(imports), *blocks]) + "\n"


def _definition(node: ast.stmt, rows: list[str]) -> str:
    text = _text(rows[node.lineno - 1 : node.end_lineno], "").rstrip("\n")
    return f"\n\n{text}" if isinstance(node, ast.FunctionDef) else f"\n{text}"


def _defined(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        yield node.name
    elif isinstance(node, ast.Assign):
        yield from (
            name.id for target in node.targets for name in ast.walk(target) if isinstance(name, ast.Name)
        )
    elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        yield node.target.id


def _imports(tree: ast.Module, used: set[str]) -> list[str]:
    """The import statements of a file, cut down to the names in use; those for type checkers too."""
    found = ["import torch"]
    for node in ast.walk(tree):
        if not isinstance(node, (ast.Import, ast.ImportFrom)):
            continue
        kept = [alias for alias in node.names if (alias.asname or alias.name).partition(".")[0] in used]
        if kept:
            node.names = kept
            found.append(ast.unparse(node))
    return list(dict.fromkeys(found))


def _ordered(imports: list[str]) -> list[str]:
    """Python's own and others' first, then the atlas's."""
    return sorted(imports, key=lambda line: ("atlas_cli" in line, not line.startswith("import"), line))


def wrapped(text: str, width: int = 88) -> str:
    """Paragraphs of plain text in lines of a width; a shape such as (B, H, L) stays in one."""
    paragraphs = (" ".join(part.split()) for part in textwrap.dedent(text).strip().split("\n\n"))
    held = (_SHAPE.sub(lambda shape: shape[0].replace(" ", _TIE), part) for part in paragraphs)
    lines = (textwrap.fill(part, width, break_on_hyphens=False) for part in held)
    return "\n\n".join(lines).replace(_TIE, " ")
