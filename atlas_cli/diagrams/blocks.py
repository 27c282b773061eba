"""Stepped block diagrams from content/<family>/diagrams/<name>.yaml.

    title: One training step
    topics: [ddpm]
    nodes:
      data:  {label: images, shape: "(B, C, H, W)", kind: data, code: DDPM.batch, at: [0, 0]}   # row, column
      mix:   {label: add noise, code: DDPM.add_noise, at: [1, 0.5]}
    edges:
      - data -> mix                 # or `data -> mix: label`
      - {from: loss, to: net, kind: gradient, side: right}
    groups:
      - {label: the network, nodes: [net]}
    steps:
      - {say: One sentence., show: [data, "data -> mix"]}
    question: What happens if ...?
    stack:                         # where it is one layer of many, which differ: the boxes of each
      - [scan, dense]              # a step says `layer: 1` to light that one

Without `at` a node stands below everything that flows into it, and the nodes of a row stand side by side.
A step lights the nodes it shows and, where it names no edge, the edges that flow into them. What stands in
the boxes besides, if anything does, is in a file beside this one (worked.py).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

from atlas_cli import catalog, documents
from atlas_cli.catalog import Family, Topic
from atlas_cli.diagrams import worked
from atlas_cli.diagrams.model import Diagram, Edge, EdgeKind, Group, Node, NodeKind, Side, Step
from atlas_cli.errors import DataError


def diagrams_of(subject: Topic | Family) -> tuple[Diagram, ...]:
    """The stepped diagrams of a topic, or of all topics of a family."""
    family = subject.slug if isinstance(subject, Family) else subject.family
    drawn = _of_family(family)
    return drawn if isinstance(subject, Family) else tuple(d for d in drawn if subject.slug in d.topics)


def names(family: Family) -> tuple[str, ...]:
    """Names of a family's stepped diagrams, by their files, of which none is read."""
    return tuple(path.stem for path in _files(family.slug))


def named(family: Family, key: str) -> Diagram | None:
    """The diagram whose file has that name in its normalised form; no other file is read."""
    paths = (path for path in _files(family.slug) if catalog.normalise(path.stem) == key)
    return next((_loaded(path) for path in paths), None)


def load(path: Path) -> Diagram:
    """Read one file.

    Raises:
        DataError: it is not YAML, lacks something, or names a node that it does not have.
    """
    try:
        raw = documents.parse(path.read_text(encoding="utf-8"))
        edges = tuple(_edge(entry) for entry in raw["edges"])
        stack = tuple(tuple(layer) for layer in raw.get("stack") or ())
        diagram = Diagram(
            name=path.stem, family=path.parent.parent.name, topics=tuple(raw["topics"]), title=raw["title"],
            nodes=_nodes(raw["nodes"], edges), edges=edges,
            groups=tuple(Group(g["label"], tuple(g["nodes"])) for g in raw.get("groups") or ()),
            steps=tuple(_step(entry, edges, stack) for entry in raw["steps"]), question=raw["question"],
            worked=worked.read(path), stack=stack,
        )  # fmt: skip
        _check(diagram)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{path} is no diagram: {error!r}", "restore the file, or correct what it names"
        ) from error
    return diagram


@cache
def _of_family(family: str) -> tuple[Diagram, ...]:
    return tuple(_loaded(path) for path in _files(family))


@cache
def _files(family: str) -> tuple[Path, ...]:
    folder = next(f.path for f in catalog.families() if f.slug == family) / "diagrams"
    return tuple(sorted(folder.glob("*.yaml")))


_loaded = cache(load)


def _edge(entry: str | dict[str, Any]) -> Edge:
    if isinstance(entry, dict) and "from" not in entry:  # `- a -> b: label` is a one-item mapping in YAML
        ((ends, label),) = entry.items()
        return Edge(*_ends(ends), label=str(label))
    if isinstance(entry, str):
        return Edge(*_ends(entry))
    edge = Edge(
        entry["from"], entry["to"], entry.get("label", ""), entry.get("kind", "flow"), entry.get("side")
    )
    if edge.kind not in get_args(EdgeKind) or edge.side not in (None, *get_args(Side)):
        raise ValueError(f"edge {entry} has an unknown kind or side")
    return edge


def _ends(text: str) -> tuple[str, str]:
    source, target = (end.strip() for end in text.split("->"))
    return source, target


def _step(entry: dict[str, Any], edges: tuple[Edge, ...], stack: Sequence[Sequence[str]]) -> Step:
    nodes = frozenset(item for item in entry["show"] if "->" not in item)
    named = frozenset(_ends(item) for item in entry["show"] if "->" in item)
    layer = entry.get("layer", 0)
    absent = {node for each in stack for node in each} - set(stack[layer - 1]) if layer else set()
    inflow = frozenset(
        edge.ends
        for edge in edges
        if edge.target in nodes and edge.kind != "gradient" and edge.source not in absent
    )
    return Step(entry["say"], nodes, named or inflow, layer)


def _nodes(raw: dict[str, dict[str, Any]], edges: tuple[Edge, ...]) -> dict[str, Node]:
    rows = _rows(list(raw), edges)
    for name, entry in raw.items():
        if "at" in entry:
            rows[name] = entry["at"][0]
    by_row: dict[int, list[str]] = defaultdict(list)
    for name in raw:
        by_row[rows[name]].append(name)
    widest = max(map(len, by_row.values()))
    nodes = {}
    for name, entry in raw.items():
        mates = by_row[rows[name]]
        centred = widest - len(mates) + 2 * mates.index(name)
        col = round(2 * entry["at"][1]) if "at" in entry else centred
        kind = entry.get("kind", "op")
        if kind not in get_args(NodeKind):
            raise ValueError(f"node {name} has the unknown kind {kind}")
        nodes[name] = Node(
            name, entry["label"], entry.get("shape", ""), entry.get("code", ""), kind, rows[name], col
        )
    return nodes


def _rows(names: list[str], edges: tuple[Edge, ...]) -> dict[str, int]:
    """Each node one row below the lowest of those that flow into it; gradients flow back and do not count."""
    rows = dict.fromkeys(names, 0)
    for _ in names:  # a longest path has at most as many edges as there are nodes
        for edge in edges:
            if edge.kind != "gradient" and edge.source in rows and edge.target in rows:
                rows[edge.target] = min(max(rows[edge.target], rows[edge.source] + 1), len(names))
    return rows


def _check(diagram: Diagram) -> None:
    ends = {edge.ends for edge in diagram.edges}
    if len(ends) != len(diagram.edges):
        raise ValueError("an edge stands there twice")
    named = {end for pair in ends for end in pair}
    named |= {node for group in diagram.groups for node in group.nodes}
    named |= {node for step in diagram.steps for node in step.nodes}
    named |= {node for layer in diagram.stack for node in layer}
    if beyond := {step.layer for step in diagram.steps} - set(range(len(diagram.stack) + 1)):
        raise ValueError(f"its stack has no layer {beyond.pop()}")
    if strangers := named - diagram.nodes.keys():
        raise ValueError(f"no node is called {', '.join(sorted(strangers))}")
    if strange := {pair for step in diagram.steps for pair in step.edges} - ends:
        raise ValueError(f"no edge runs {sorted(strange)}")
    if diagram.worked is not None:
        _check_worked(diagram, diagram.worked)
    places = sorted((node.row, node.col) for node in diagram.nodes.values())
    for (row, col), (next_row, next_col) in pairwise(places):
        if row == next_row and next_col - col < 2:
            raise ValueError(f"two nodes overlap in row {row} at column {next_col / 2}")


def _check_worked(diagram: Diagram, example: worked.Worked) -> None:
    if strangers := example.pictures.keys() - diagram.nodes.keys():
        raise ValueError(
            f"its worked example fills {', '.join(sorted(strangers))}, and there is no such node"
        )
    steps = {picture.first for pictures in example.pictures.values() for picture in pictures}
    if beyond := sorted((steps | example.seen.keys()) - set(range(1, len(diagram.steps) + 1))):
        raise ValueError(f"its worked example speaks of step {beyond[0]}, and there is none")
