"""Every node of every diagram stands for code that exists; it is found without importing anything."""

from __future__ import annotations

import ast

import pytest

from atlas_cli import catalog
from atlas_cli.diagrams import blocks
from atlas_cli.diagrams.code import locate, system_source
from atlas_cli.errors import UsageError

NODES = [
    (topic, diagram.name, node)
    for family in catalog.families()
    for diagram in blocks.diagrams_of(family)
    for topic in map(catalog.resolve, diagram.topics)
    for node in diagram.nodes.values()
]


@pytest.mark.parametrize(
    ("topic", "name", "node"), NODES, ids=[f"{t.slug}-{n}-{node.id}" for t, n, node in NODES]
)
def test_every_node_stands_for_code_that_exists(topic: catalog.Topic, name: str, node: blocks.Node):
    assert node.code, f"node {node.id} of {name} stands for nothing"
    source = locate(topic, node.code)
    (definition,) = ast.parse(
        source.text.lstrip() if source.text[0] != " " else "class _:\n" + source.text
    ).body
    found = definition.body[0] if source.text[0] == " " else definition
    assert found.name == node.code.split(":")[-1].split(".")[-1]
    lines = source.path.read_text(encoding="utf-8").splitlines()[source.first_line - 1 : source.last_line]
    assert source.text.splitlines() == lines


def test_a_method_a_class_and_a_function():
    ddpm = catalog.resolve("ddpm")
    assert locate(ddpm, "DDPM.add_noise").text.startswith("    def add_noise(")
    assert locate(ddpm, "alpha_bar").text.startswith("def alpha_bar(")
    assert locate(ddpm, "Batch").text.startswith("@dataclass")  # decorators belong to it


def test_what_is_imported_or_inherited_is_followed():
    ddpm = catalog.resolve("ddpm")
    assert locate(ddpm, "UNet").path.name == "unet.py"
    assert locate(ddpm, "nets.unet:UNet.forward").path.name == "unet.py"
    assert locate(ddpm, "DDPM.step").path.name == "system.py"


@pytest.mark.parametrize("code", ["DDPM.nothing", "Nothing", "nets.nothing:X", "torch.nn", ""])
def test_a_wrong_name_is_refused(code: str):
    with pytest.raises(UsageError, match="has no"):
        locate(catalog.resolve("ddpm"), code)


def test_a_system_that_is_not_written_is_said_so():
    absent = catalog.resolve("ddpm")._replace(slug="not-there")
    with pytest.raises(UsageError, match="the system of not-there is not written yet"):
        system_source(absent)
