"""From a node's `code:` to its source text, by reading the files; nothing is imported, torch least of all."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import NamedTuple

import atlas_cli
from atlas_cli import catalog
from atlas_cli.catalog import Topic
from atlas_cli.errors import UsageError

Definition = ast.ClassDef | ast.FunctionDef


class Source(NamedTuple):
    """A piece of a source file; the first line is number 1."""

    name: str
    path: Path
    first_line: int
    last_line: int
    text: str


def system_source(topic: Topic) -> Source:
    """The whole file of a topic's system.

    Raises:
        UsageError: it is not written yet.
    """
    path = _file(catalog.system_module(topic))
    if not path.is_file():
        raise UsageError(f"the system of {topic.slug} is not written yet", f"atlas explain {topic.slug}")
    text = path.read_text(encoding="utf-8")
    return Source(topic.title, path, 1, len(text.splitlines()), text)


def locate(topic: Topic, code: str) -> Source:
    """The definition that `code` names: `DDPM.add_noise` in the topic's system, `nets.unet:UNet` elsewhere.

    Names that the file imports from the atlas, and methods that a class inherits, are followed.

    Raises:
        UsageError: there is no such definition.
    """
    module, _, name = code.rpartition(":")
    full = f"atlas_cli.{module}" if module else catalog.system_module(topic)
    if not module:
        system_source(topic)
    found = _find(full, name.split("."))
    if found is None:
        raise UsageError(f"{full} has no {name}", f"atlas code {topic.slug}")
    path, node = found
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    last = node.end_lineno or node.lineno
    lines = path.read_text(encoding="utf-8").splitlines()[first - 1 : last]
    return Source(name, path, first, last, "\n".join(lines) + "\n")


def _find(module: str, names: list[str]) -> tuple[Path, Definition] | None:
    path = _file(module)
    if not path.is_file():
        return None
    for node in _tree(path).body:
        if isinstance(node, Definition) and node.name == names[0]:
            return _within(module, path, node, names[1:])
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("atlas_cli"):
            for alias in node.names:
                if (alias.asname or alias.name) == names[0]:
                    return _find(str(node.module), [alias.name, *names[1:]])
    return None


def _within(module: str, path: Path, node: Definition, names: list[str]) -> tuple[Path, Definition] | None:
    if not names:
        return path, node
    for member in node.body:
        if isinstance(member, Definition) and member.name == names[0]:
            return _within(module, path, member, names[1:])
    bases = node.bases if isinstance(node, ast.ClassDef) else []
    for base in bases:
        if isinstance(base, ast.Name) and (found := _find(module, [base.id, *names])):
            return found
    return None


def _file(module: str) -> Path:
    return Path(atlas_cli.__file__).parent.joinpath(*module.split(".")[1:]).with_suffix(".py")


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))
