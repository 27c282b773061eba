"""What a stepped block diagram is: nodes on a grid, edges, groups, and numbered steps."""

from __future__ import annotations

from typing import Literal, NamedTuple

from atlas_cli.diagrams.worked import Worked

NodeKind = Literal["data", "op"]  # a tensor, or a computation on tensors
EdgeKind = Literal["flow", "skip", "gradient"]
Side = Literal["left", "right"]


class Node(NamedTuple):
    """A box.

    Attributes:
        id: Its name in the file, in steps and in `atlas code TOPIC NODE`.
        label: What the box says.
        shape: Shape of the tensor that it is or gives out, or "".
        code: What it stands for: `DDPM.add_noise` in the topic's system, `nets.unet:UNet` elsewhere; or "".
        kind: "data" has round corners, "op" square ones.
        row: Row from the top.
        col: Column in halves, so that a box can stand between two columns.
    """

    id: str
    label: str
    shape: str
    code: str
    kind: NodeKind
    row: int
    col: int


class Edge(NamedTuple):
    """An arrow; a "skip" passes other nodes at the side, a "gradient" is dashed."""

    source: str
    target: str
    label: str = ""
    kind: EdgeKind = "flow"
    side: Side | None = None  # where an edge that passes other rows at the side does so

    @property
    def ends(self) -> tuple[str, str]:
        return self.source, self.target


class Group(NamedTuple):
    """A titled frame around nodes."""

    label: str
    nodes: tuple[str, ...]


class Step(NamedTuple):
    """One sentence, and what of the picture it is about.

    Attributes:
        say: The sentence.
        nodes: Boxes that it lights.
        edges: Arrows that it lights.
        layer: The layer of the diagram's stack that it is about, counted from 1; 0: of none, or of all.
    """

    say: str
    nodes: frozenset[str]
    edges: frozenset[tuple[str, str]]
    layer: int = 0


class Diagram(NamedTuple):
    """A stepped block diagram of one or more topics.

    Attributes:
        name: Of its file.
        family: In whose folder that lies.
        topics: That it explains.
        title: What it is a picture of.
        nodes: The boxes by name.
        edges: The arrows.
        groups: Frames around boxes.
        steps: What is told, in order.
        question: What it leaves open.
        worked: What a trained network put into its boxes.
        stack: Where it draws one layer of many: of each, the boxes that not all layers have.
    """

    name: str
    family: str
    topics: tuple[str, ...]
    title: str
    nodes: dict[str, Node]
    edges: tuple[Edge, ...]
    groups: tuple[Group, ...]
    steps: tuple[Step, ...]
    question: str
    worked: Worked | None = None
    stack: tuple[tuple[str, ...], ...] = ()

    def absent(self, step: int | None) -> frozenset[str]:
        """Boxes that the layer of a step does not have; none where a step is of no layer."""
        layer = self.steps[step - 1].layer if step else 0
        if not layer:
            return frozenset()
        return frozenset(node for each in self.stack for node in each) - set(self.stack[layer - 1])

    def step_of(self, node: str) -> int | None:
        """Number of the first step that is about a node."""
        return next((i for i, step in enumerate(self.steps, start=1) if node in step.nodes), None)

    def as_dict(self) -> dict[str, object]:
        """The diagram for `--format json`."""
        return {
            "name": self.name,
            "family": self.family,
            "topics": list(self.topics),
            "title": self.title,
            "nodes": [node._asdict() | {"col": node.col / 2} for node in self.nodes.values()],
            "edges": [edge._asdict() for edge in self.edges],
            "groups": [{"label": group.label, "nodes": list(group.nodes)} for group in self.groups],
            "steps": [
                {
                    "number": i,
                    "say": s.say,
                    "nodes": sorted(s.nodes),
                    "edges": sorted(map(list, s.edges)),
                    **({"layer": s.layer} if s.layer else {}),
                }
                for i, s in enumerate(self.steps, start=1)
            ],
            **({"stack": [list(layer) for layer in self.stack]} if self.stack else {}),
            **({"worked": self.worked.as_dict()} if self.worked else {}),
            "question": self.question,
        }
