"""A system's file imports another topic's only where its page says that it builds on that topic."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from atlas_cli import catalog

SYSTEMS = Path(catalog.__file__).parent / "systems"
PREFIX = "atlas_cli.systems."


def imported(source: str) -> set[str]:
    """Modules of systems/ that a file imports, types alone included: "diffusion.ddpm"."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return {name.removeprefix(PREFIX) for name in names if name.startswith(PREFIX)}


def faults(
    files: Mapping[str, set[str]], topics: Mapping[str, str], builds_on: Mapping[str, Iterable[str]]
) -> list[str]:
    """Imports that no page accounts for.

    Args:
        files: Module -> what it imports; modules are "family.name".
        topics: Module -> the topic that it is the system of; the others are helpers of whoever imports them.
        builds_on: Topic -> the topics that its page names.
    """
    found = []
    for module, topic in topics.items():
        allowed = closure([topic], builds_on)
        reached = closure([module], {file: () if topics.get(file, topic) != topic else names
                                     for file, names in files.items()})  # fmt: skip
        for name in sorted(reached & topics.keys()):
            if topics[name] not in allowed:
                found.append(f"{module} imports {name}, and {topic}.md does not build on {topics[name]}")
    return found


def closure(start: Iterable[str], following: Mapping[str, Iterable[str]]) -> set[str]:
    """Everything that can be reached."""
    seen: set[str] = set()
    waiting = list(start)
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += following.get(name, ())
    return seen


def atlas() -> tuple[dict[str, set[str]], dict[str, str], dict[str, tuple[str, ...]]]:
    """The atlas's own files, topics and pages, as `faults` takes them."""
    files = {}
    for path in SYSTEMS.rglob("*.py"):
        module = ".".join(path.relative_to(SYSTEMS).with_suffix("").parts)
        files[module] = imported(path.read_text(encoding="utf-8"))
    files = {module: names & files.keys() for module, names in files.items()}
    topics = {
        catalog.system_module(topic).removeprefix(PREFIX): topic.slug
        for topic in catalog.topics()
        if topic.system
    }
    return files, topics, {topic.slug: topic.builds_on for topic in catalog.topics()}


#: Imports without a page behind them, each with its reason; nothing may join them.
KNOWN = [
    # The idea of 2017 is older than GPT, as the map of years shows; its system is GPT with wider layers.
    "transformer.moe imports transformer.gpt, and moe.md does not build on gpt",
]


def test_imports_between_systems_follow_the_pages() -> None:
    files, topics, builds_on = atlas()
    assert len(topics) > 10
    assert any(files[module] for module in topics)
    assert sorted(faults(files, topics, builds_on)) == sorted(KNOWN)


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({"a.x": {"a.y"}, "a.y": set()}, []),  # as the page says
        ({"a.x": {"b.z"}, "b.z": set()}, []),  # through a chain: x builds on y, y on z
        ({"a.y": {"a.x"}, "a.x": set()}, ["a.y imports a.x, and y.md does not build on x"]),
        ({"a.z": {"a.helper"}, "a.helper": {"a.y"}}, ["a.z imports a.y, and z.md does not build on y"]),
        ({"a.x": {"a.helper"}, "a.helper": {"a.y"}}, []),  # a helper belongs to those who import it
    ],
)
def test_an_import_against_the_pages_is_found(files: dict[str, set[str]], found: list[str]) -> None:
    topics = {name: name[-1] for name in ("a.x", "a.y", "a.z", "b.z")}
    assert faults(files, topics, {"x": ("y",), "y": ("z",)}) == found


def test_every_way_to_import_is_seen() -> None:
    source = (
        "import atlas_cli.systems.a.one\nfrom atlas_cli.systems.a import two\n"
        "def later():\n    from atlas_cli.systems.a.three import Three\n"
    )
    assert {"a.one", "a.two", "a.three"} <= imported(source)
