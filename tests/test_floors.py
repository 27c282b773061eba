"""The floor plan: what may import what. Nothing imports upwards, and there is no circle.

A room is a package, or a file that stands apart from its package. Rooms of one floor do not know each other,
so the order of the floors forbids circles between packages; those between files are looked for by themselves.
Imports inside functions and for type checkers count like any other.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import atlas_cli

PACKAGE = Path(atlas_cli.__file__).parent
Imports = Mapping[str, set[str]]

#: From the ground up. What is written longest counts: "diagrams.text" is no part of "diagrams".
FLOORS = (
    ("errors", "config", "draws"),
    ("paths", "files", "limits", "ranks", "mathematics", "nets"),
    ("shelf",),  # what is kept between starts
    ("documents",),
    ("catalog", "screen"),
    ("runs",),
    ("deeds",),  # what one learner has done, kept
    ("learner",),
    ("data",),
    ("recipe", "metrics"),
    ("present",),
    ("engine",),
    ("language",),
    ("systems",),
    ("diagrams",),  # what a diagram and a frame are, and where they are found
    ("explorables", "worked", "diagrams.grid", "exercises"),
    ("diagrams.text",),
    ("diagrams.svg", "diagrams.app"),
    ("diagrams.web",),
    ("diagrams.deliver", "diagrams.of_runs"),  # one entry to all ways of drawing; frames from a run
    ("pages",),
    ("site", "learner.path"),
    ("reading", "classroom"),  # the part of the api that shows; sheets, reports and tables of a class
    ("notebook",),  # pages as notebooks, which call the api
    ("api",),  # what the commands stand on, for Python
    ("commands",),
    ("app",),
    ("__main__",),
)

#: The seam is all that a system sees of the engine.
SEAM = {"engine.system", "engine.optimizers", "engine.descent", "engine.decay"}


def modules() -> dict[str, Path]:
    """Every module of the package by its name below it."""
    return {
        ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__"): path
        for path in PACKAGE.rglob("*.py")
    }


def imports() -> dict[str, set[str]]:
    """Module -> the modules of the package that it imports."""
    known = modules()
    return {name: set(_imported(path, known)) - {name} for name, path in known.items()}


def _imported(path: Path, known: Mapping[str, Path]) -> Iterator[str]:
    return imported(path.read_text(encoding="utf-8"), known)


def imported(source: str, known: Iterable[str]) -> Iterator[str]:
    """Modules that a file imports, by a statement or by `import_module` of a name in its text.

    Args:
        source: The file. Relative imports are seen by the test that allows none.
        known: The modules that there are.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "atlas_cli":
            package = (node.module or "").removeprefix("atlas_cli").lstrip(".")
            for alias in node.names:
                inner = f"{package}.{alias.name}".lstrip(".")
                yield from (name for name in ([inner] if inner in known else [package]) if name)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("atlas_cli."):
                    yield alias.name.removeprefix("atlas_cli.")
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            named = [arg.value for arg in node.args if isinstance(arg, ast.Constant)]
            own = (str(name) for name in named if str(name).startswith("atlas_cli."))
            yield from (name.removeprefix("atlas_cli.") for name in own)


def relative(source: str) -> list[int]:
    """Lines of relative imports."""
    nodes = ast.walk(ast.parse(source))
    return [node.lineno for node in nodes if isinstance(node, ast.ImportFrom) and node.level]


def room(module: str) -> str | None:
    """The room that a module is in."""
    rooms = [name for floor in FLOORS for name in floor if f"{module}.".startswith(f"{name}.")]
    return max(rooms, key=len, default=None)


def floor(module: str) -> int:
    """On which floor."""
    return next(i for i, names in enumerate(FLOORS) if room(module) in names)


def upward(graph: Imports) -> list[str]:
    """Imports that do not lead downwards, from one room to another."""
    return sorted(
        f"{name} imports {other}"
        for name, others in graph.items()
        for other in others
        if room(name) != room(other) and floor(other) >= floor(name)
    )


def circle(graph: Imports) -> list[str]:
    """A circle of files, if there is one."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_every_module_has_its_room() -> None:
    assert [name for name in modules() if name and name != "__init__" and room(name) is None] == []


def test_no_import_leads_upwards() -> None:
    assert upward(imports()) == []


def test_no_files_import_each_other_in_a_circle() -> None:
    assert circle(imports()) == []


def test_every_import_names_its_module_in_full() -> None:
    found = {name: relative(path.read_text(encoding="utf-8")) for name, path in modules().items()}
    assert {name: lines for name, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    "line",
    [
        "from atlas_cli.systems.transformer import gpt", "import atlas_cli.systems.transformer.gpt as g",
        "def later():\n    from atlas_cli.systems.transformer.gpt import GPT",
        'importlib.import_module("atlas_cli.systems.transformer.gpt")',
    ],
)  # fmt: skip
def test_every_way_to_import_is_seen(line: str) -> None:
    assert list(imported(line, modules())) == ["systems.transformer.gpt"]
    assert not relative(line)


def test_a_relative_import_is_seen() -> None:
    assert relative("import ast\nfrom ..systems import gpt\nfrom . import rope") == [2, 3]


def test_of_the_engine_systems_see_the_seam_alone() -> None:
    seen = {other for name, others in imports().items() if room(name) == "systems" for other in others}
    assert {name for name in seen if room(name) == "engine"} <= SEAM


def test_what_is_broken_on_purpose_is_found() -> None:
    graph = {name: set(others) for name, others in imports().items()}
    graph["nets.rope"] |= {"systems.transformer.gpt"}
    graph["recipe.checks"] |= {"metrics.judge"}  # a neighbour on the same floor
    assert upward(graph) == [
        "nets.rope imports systems.transformer.gpt",
        "recipe.checks imports metrics.judge",
    ]
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}})
    graph["nets.rope"] = {"nets.attention"}  # which imports it
    assert circle(graph)
