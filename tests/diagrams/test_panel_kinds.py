"""A kind of panel has one place in each renderer, and no other line asks for kinds."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from atlas_cli import diagrams
from atlas_cli.diagrams.frames import Panel
from atlas_cli.diagrams.svg import panels as svg_panels
from atlas_cli.diagrams.text import panels as text_panels
from atlas_cli.diagrams.web import page as web_page
from tests.diagrams.panels import PANELS

FOLDER = Path(diagrams.__file__).parent
CLASSES = Panel.__subclasses__()
KINDS = [panel.kind for panel in CLASSES]
SCRIPT = web_page.script()


def test_every_kind_has_a_name_of_its_own_and_an_example():
    assert len(KINDS) == len(set(KINDS)) > 0
    assert {type(panel) for panel in PANELS} == set(CLASSES)


def test_each_renderer_has_exactly_one_entry_for_each_kind():
    (table,) = re.findall(r"^const PANELS = \{\n(.*?)^\};", SCRIPT, re.DOTALL | re.MULTILINE)
    assert sorted(re.findall(r"^  (\w+): \{ draw: ", table, re.MULTILINE)) == sorted(KINDS)
    for renderer in (text_panels, svg_panels):
        assert set(renderer.PANELS) == set(CLASSES)
        assert len(set(renderer.PANELS.values())) == len(CLASSES)


def test_a_kind_is_asked_for_nowhere_but_in_the_tables():
    """No match, no isinstance and no comparison of `kind` with the name of a panel's kind."""
    names = {panel.__name__ for panel in CLASSES}
    for file in FOLDER.rglob("*.py"):
        asked = set(_asked(ast.parse(file.read_text(encoding="utf-8"))))
        assert not asked & {*names, *KINDS}, f"{file} tells panels apart"
    assert not set(re.findall(r'kind [!=]== "(\w+)"', SCRIPT)) & set(KINDS)


def _asked(tree: ast.AST) -> Iterator[str]:
    """Classes that are matched or tested for, and texts that a `kind` is compared with."""
    for node in ast.walk(tree):
        if isinstance(node, ast.MatchClass):
            yield ast.unparse(node.cls).rpartition(".")[2]
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "isinstance":
            yield from re.findall(r"\w+", ast.unparse(node.args[1]))
        elif isinstance(node, ast.Compare) and ast.unparse(node.left).endswith(".kind"):
            yield from re.findall(r"\w+", " ".join(map(ast.unparse, node.comparators)))
