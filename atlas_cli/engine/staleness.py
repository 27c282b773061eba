"""Whether the figures in a recipe's `measured:` section are still those of the code; read without torch.

A figure comes from the file of the recipe's system, the file of its data source, and what these import of
the atlas's systems, nets, language, metrics and data, and so on. What is computed in them has a hash, which
`measured:` records: comments, docstrings and empty lines may change. The engine is left out: its own tests
hold what it computes.
"""

from __future__ import annotations

import ast
import hashlib
import io
import tokenize
from collections.abc import Iterator, Sequence
from pathlib import Path

from atlas_cli import catalog, data, documents, paths
from atlas_cli.recipe.recipes import Recipe

_PACKAGE = Path(catalog.__file__).parent
_ROOMS = ("systems", "nets", "language", "metrics", "data")


def stale(recipe: Recipe) -> list[str]:
    """Why a recipe's measured figures may no longer be what it gives; empty if they are, or it claims none.

    A section from before the code was noted is read, and said to be old.
    """
    measured = recipe.measured
    if not measured:
        return ["never measured"] if recipe.expect else []
    when = measured.get("date", "an unknown day")
    if "code" not in measured:
        return [f"measured on {when}, before the code was noted beside the figures"]
    reasons = []
    if measured["code"] != code_hash(recipe):
        reasons.append(f"the code of {recipe.system} or what it imports has changed since {when}")
    rows = set(recipe.variants) - set(measured.get("vary", ()))
    missing = sorted(set(recipe.expect) - set(measured) - _derived(recipe)) + sorted(rows)
    if missing:
        reasons.append(f"never measured: {', '.join(missing)}")
    return reasons


def _derived(recipe: Recipe) -> set[str]:
    """Claims about the two arms together, whose figures stand under another name."""
    return {name for name in recipe.expect if name.endswith(("_ratio", "_gain"))}


def stale_bench(path: Path) -> list[str]:
    """The same of a file in content/<family>/measured/, whose figures a benchmark wrote."""
    held = documents.parse(path.read_text(encoding="utf-8"))
    if held["measured"]["code"] == hash_of(held["of"]):
        return []
    return [f"the code of {', '.join(held['of'])} has changed since {held['measured']['date']}"]


def benches() -> list[Path]:
    """The figures of benchmarks that pages show."""
    return sorted(paths.content_dir().glob("*/measured/*.yaml"))


def code_hash(recipe: Recipe) -> str:
    """A short SHA-256 over what is computed in every file that the recipe's figures come from."""
    return _digest(code_files(recipe))


def hash_of(modules: Sequence[str]) -> str:
    """The same over some modules and what they import of `_ROOMS`."""
    return _digest(_reached(modules))


def _digest(files: set[Path]) -> str:
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(path.relative_to(_PACKAGE).as_posix().encode())
        digest.update(computed(path.read_text(encoding="utf-8")).encode())
    return f"sha256:{digest.hexdigest()[:16]}"


def computed(source: str) -> str:
    """A program without its comments, docstrings, empty lines and the blanks at the ends of lines.

    The text is cut and not parsed and printed again, which each version of Python does in its own way.
    """
    lines = source.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    for first, last in _docstrings(source):
        lines[first - 1 : last] = [""] * (last - first + 1)
    return "\n".join(line.rstrip() for line in lines if line.strip())


def _docstrings(source: str) -> Iterator[tuple[int, int]]:
    """First and last line of each, from 1."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            match node.body:
                case [ast.Expr(ast.Constant(str())) as text, *_]:
                    yield text.lineno, text.end_lineno or text.lineno


def code_files(recipe: Recipe) -> set[Path]:
    """The files of the recipe's system and data source, and what they import of `_ROOMS`."""
    source = data.config_of(str(recipe.data["name"])).__module__
    return _reached([catalog.system_module(catalog.resolve(recipe.system)), source])


def _reached(modules: Sequence[str]) -> set[Path]:
    waiting = list(modules)
    found: set[Path] = set()
    while waiting:
        path = _path_of(waiting.pop())
        if path is not None and path not in found:
            found.add(path)
            waiting += _imported(path)
    return found


def _imported(path: Path) -> Iterator[str]:
    """Modules that a file names in its imports, wherever they stand in it; an imported name may be one."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _path_of(module: str) -> Path | None:
    """The file of a module in one of the rooms; None for all other modules, and for names that are none."""
    parts = module.split(".")
    if len(parts) < 3 or parts[0] != "atlas_cli" or parts[1] not in _ROOMS:
        return None
    path = _PACKAGE.joinpath(*parts[1:]).with_suffix(".py")
    return path if path.is_file() else None
