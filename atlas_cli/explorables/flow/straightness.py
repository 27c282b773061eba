"""How straight the reader's own flow is: by its paths, and by what a few long steps miss.

Source:  straightness: Liu et al. 2022, arXiv:2209.03003, here over the way's squared length.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from atlas_cli.diagrams.frames import Curves, Explorable, Frame, Group, Images, Knob, Panel, Scatter, Series
from atlas_cli.explorables._grey import shades

if TYPE_CHECKING:
    from torch import Tensor

    from atlas_cli.systems.flow.cfm import CFM

STEPS = (1, 2, 3, 4, 5, 8, 12)
FINE = 20  # steps of the midpoint's rule, which stand for the flow itself
N_IMAGES, N_POINTS = 16, 200
SAMPLES = tuple(range(8))


class Ways(NamedTuple):
    """Ways of a flow, N of them."""

    path: Tensor  # (FINE + 1, N, *datum)
    label: Tensor  # (N,) the class of each
    bends: Tensor  # (FINE, N) squared difference of a step's velocity and the way, over the way's square
    detour: float  # mean length of a way over the straight line between its ends


def straightness(system: Any, steps: int, sample: int) -> Frame:
    """Where the velocity strays from the straight line, and where a few steps of Euler land."""
    flow: CFM = getattr(system, "student", system)
    ways, ends = _ways(flow), _ends(flow, steps)
    times = [(k + 0.5) / FINE for k in range(FINE)]
    bends = Curves(
        "Velocity less the whole way, squared, over the way",
        (
            Series("all paths", times, ways.bends.mean(1)),
            Series("this path", times, ways.bends[:, sample], "dashed"),
        ),
        "t (0 noise, 1 data)",
    )  # fmt: skip
    missed = Curves(
        "What the steps miss", (Series("mean", STEPS, tuple(_missed(flow, n) for n in STEPS)),),
        "steps of Euler", "share of the way", marker=steps, drag="steps",
    )  # fmt: skip
    counted = "1 step" if steps == 1 else f"{steps} steps"
    return Frame(
        (_landed(flow, ways, ends, sample, counted), (bends, missed)),
        f"In {counted} this flow misses its own end by {_missed(flow, steps):.1%} of the way. "
        f"Its paths are {ways.detour:.3f} times as long as the straight lines between their ends. A path is "
        f"straight and even in speed where the curve lies at 0; that of path {sample + 1} is dashed. "
        "If it lies there throughout, one step does.",
        {
            "straightness (0 is straight)": float(ways.bends.mean()), "detour": ways.detour,
            "missed by the steps": _missed(flow, steps),
        },
    )  # fmt: skip


def _landed(flow: CFM, ways: Ways, ends: Tensor, sample: int, counted: str) -> tuple[Panel, ...]:
    """What the steps made beside what the flow makes."""
    if not flow.config.dim:
        pictures = [images[sample].float().mean(0).cpu() for images in (ends, ways.path[-1])]
        title = f"Class {int(ways.label[sample])}: by {counted}, and by the flow itself"
        return (Images(title, tuple(map(shades, pictures)), 2, (counted, "itself")),)
    reach = float(ways.path[..., :2].abs().max()) * 1.05
    drawn = ways.path[:, : len(SAMPLES), :2]
    lines = tuple(Series(f"path {i + 1}", *drawn[:, i].T) for i in range(len(SAMPLES)))
    xs, ys = ways.path[:, sample, :2].T
    own = Series(f"path {sample + 1}", xs, ys, "points")
    groups = (Group("by the flow itself", ways.path[-1][:, :2]), Group(counted, ends[:, :2]))
    return (
        Curves("Paths (lines), and this one's steps in time (dots)", (*lines, own), "x", "y"),
        Scatter("Where they end", groups, (-reach, reach, -reach, reach)),
    )


@cache
def _ways(flow: CFM) -> Ways:
    import torch

    from atlas_cli.systems.flow.solvers import even_steps

    noise, label = _start(flow)
    with torch.no_grad():
        walk = even_steps(lambda x, t: flow.field(x, t, label), noise, FINE, "midpoint")
        path = torch.stack([noise, *walk])
    pieces = path.diff(dim=0).flatten(2)
    way = (path[-1] - path[0]).flatten(1)
    length = way.norm(dim=1)
    bends = (pieces * FINE - way).square().sum(2) / length.square()
    return Ways(path, label, bends, float((pieces.norm(dim=2).sum(0) / length).mean()))


def _start(flow: CFM) -> tuple[Tensor, Tensor]:
    """Noise and classes, the same ones for every frame."""
    import torch

    device, n = flow.setting.device, N_POINTS if flow.config.dim else N_IMAGES
    label = torch.arange(n, device=device) % max(1, flow.classes)
    return flow.noise(n, torch.Generator(device).manual_seed(0)), label


@cache
def _ends(flow: CFM, steps: int) -> Tensor:
    """Where Euler's steps of one length end."""
    import torch

    from atlas_cli.systems.flow.solvers import solve

    noise, label = _start(flow)
    with torch.no_grad():
        return solve(lambda x, t: flow.field(x, t, label), noise, steps, "euler")


@cache
def _missed(flow: CFM, steps: int) -> float:
    """Distance of those ends from the flow's own, over the length of the way, on average."""
    path = _ways(flow).path
    missed, way = (x.flatten(1).norm(dim=1) for x in (_ends(flow, steps) - path[-1], path[-1] - path[0]))
    return float((missed / way).mean())


EXPLORABLE = Explorable(
    "straightness", "flow", ("reflow", "ot-cfm", "cfm"), "How straight your flow is",
    "Where do the paths bend most, and from how many steps on does it not matter any more?",
    (
        Knob("steps", "steps of Euler", STEPS, 1, "slider"),
        Knob("sample", "sample", SAMPLES, 3, "slider"),
    ),
    None, from_run=straightness, systems=("reflow", "ot-cfm", "cfm"),
    place=65,
)  # fmt: skip
