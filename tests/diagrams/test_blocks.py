"""Diagrams from YAML."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from atlas_cli import catalog
from atlas_cli.diagrams import blocks, gallery
from atlas_cli.diagrams.model import Diagram, Edge
from atlas_cli.errors import DataError, UsageError

STEPPED = [diagram for family in catalog.families() for diagram in blocks.diagrams_of(family)]
SMALL = {
    "title": "A small one",
    "topics": ["ddpm"],
    "nodes": {
        "a": {"label": "A", "kind": "data"},
        "b": {"label": "B"},
        "c": {"label": "C"},
        "d": {"label": "D"},
    },
    "edges": ["a -> b", {"a -> c": "x"}, "b->d", "c -> d", {"from": "d", "to": "a", "kind": "gradient"}],
    "steps": [{"say": "One.", "show": ["b"]}, {"say": "Two.", "show": ["d", "d -> a"]}],
    "question": "Why?",
}


def load(tmp_path: Path, **changes: object):
    path = tmp_path / "family" / "diagrams" / "small.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(SMALL | changes), encoding="utf-8")
    return blocks.load(path)


def test_edges_have_three_spellings(tmp_path: Path):
    assert load(tmp_path).edges == (
        Edge("a", "b"), Edge("a", "c", "x"), Edge("b", "d"), Edge("c", "d"), Edge("d", "a", kind="gradient"),
    )  # fmt: skip


def test_without_places_a_node_stands_below_what_flows_into_it_and_rows_are_centred(tmp_path: Path):
    places = {name: (node.row, node.col) for name, node in load(tmp_path).nodes.items()}
    assert places == {"a": (0, 1), "b": (1, 0), "c": (1, 2), "d": (2, 1)}


def test_a_place_in_the_file_wins(tmp_path: Path):
    nodes = SMALL["nodes"] | {"a": {"label": "A", "at": [0, 1.5]}}
    node = load(tmp_path, nodes=nodes).nodes["a"]
    assert (node.row, node.col) == (0, 3)


def test_a_step_lights_its_nodes_and_what_flows_in_unless_it_names_edges(tmp_path: Path):
    diagram = load(tmp_path)
    assert diagram.steps[0].edges == {("a", "b")}
    assert diagram.steps[1].edges == {("d", "a")}
    assert (diagram.step_of("b"), diagram.step_of("d"), diagram.step_of("a")) == (1, 2, None)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"edges": ["a -> x"]}, "no node is called x"),
        ({"steps": [{"say": "s", "show": ["x"]}]}, "no node is called x"),
        ({"groups": [{"label": "g", "nodes": ["x"]}]}, "no node is called x"),
        ({"steps": [{"say": "s", "show": ["b -> a"]}]}, "no edge runs"),
        ({"edges": ["a -> b", "a -> b"]}, "twice"),
        ({"edges": [{"from": "a", "to": "b", "kind": "wavy"}]}, "unknown kind"),
        ({"edges": ["a to b"]}, "small.yaml"),
        ({"nodes": {"a": {"label": "A", "kind": "box"}}, "edges": [], "steps": []}, "unknown kind"),
        ({"nodes": {"a": {"label": "A", "at": [0, 0]}, "b": {"label": "B", "at": [0, 0.5]}}, "edges": [],
          "steps": []}, "overlap"),
        ({"nodes": {}}, "small.yaml"),
        ({"title": None, "steps": None}, "small.yaml"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_named_with_what_is_wrong(tmp_path: Path, changes: dict[str, object], complaint: str):
    with pytest.raises(DataError, match=complaint) as caught:
        load(tmp_path, **changes)
    assert "small.yaml" in caught.value.what


def test_a_circle_of_edges_does_not_hang(tmp_path: Path):
    diagram = load(tmp_path, edges=["a -> b", "b -> a"], steps=[])
    assert max(node.row for node in diagram.nodes.values()) <= len(diagram.nodes)


def test_diagrams_are_found_by_topic_and_name():
    mamba = catalog.resolve("mamba")
    assert gallery.find(mamba).name == gallery.find(mamba, "Mamba Block").name == "mamba-block"
    assert gallery.find(catalog.resolve_family("ssm")).name == "mamba-block"
    assert gallery.find(catalog.resolve("s4"), "mamba-block").name == "mamba-block"  # a page may borrow one


def test_one_that_is_asked_for_by_name_is_read_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    ssm = catalog.resolve_family("ssm")
    broken = tmp_path / "broken.yaml"
    broken.write_text("title: nothing else", encoding="utf-8")
    files = (broken, *blocks._files("ssm"))
    monkeypatch.setattr(blocks, "_files", lambda _: files)
    assert gallery.find(ssm, "Mamba Block").name == "mamba-block"
    assert blocks.names(ssm)[0] == "broken"
    with pytest.raises(DataError):
        gallery.find(ssm, "broken")


def test_a_missing_diagram_is_said_plainly():
    with pytest.raises(UsageError, match="no diagram of dreamer yet"):
        gallery.find(catalog.resolve("dreamer"))
    with pytest.raises(UsageError, match="no diagram 'mamba-blok'") as caught:
        gallery.find(catalog.resolve("mamba"), "mamba-blok")
    assert caught.value.hint == "did you mean: atlas diagram mamba mamba-block"


def test_the_document_for_scripts_has_columns_not_halves(tmp_path: Path):
    document = load(tmp_path).as_dict()
    assert {node["id"]: node["col"] for node in document["nodes"]} == {"a": 0.5, "b": 0.0, "c": 1.0, "d": 0.5}
    assert document["steps"][1] == {"number": 2, "say": "Two.", "nodes": ["d"], "edges": [["d", "a"]]}


@pytest.mark.parametrize("family", catalog.families(), ids=lambda family: family.slug)
def test_every_diagram_of_the_atlas_belongs_to_topics_of_its_family(family: catalog.Family):
    for diagram in blocks.diagrams_of(family):
        assert {topic.slug for topic in family.topics}.issuperset(diagram.topics), diagram.name
        silent = [name for name in diagram.nodes if diagram.step_of(name) is None]
        assert not silent, f"no step of {diagram.name} speaks of {silent}"


@pytest.mark.parametrize("diagram", STEPPED, ids=lambda diagram: diagram.name)
def test_no_step_lights_an_arrow_from_what_was_not_told_yet(diagram: Diagram):
    told: set[str] = set()
    for number, step in enumerate(diagram.steps, start=1):
        told |= step.nodes
        assert not {edge for edge in step.edges if not set(edge) <= told}, number
