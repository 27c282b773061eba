"""The reader's own flow on its way from noise to an image, and how far it is from straight."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from atlas_cli.diagrams.frames import Curves, Drag, Explorable, Frame, Images, Knob, Series
from atlas_cli.errors import UsageError
from atlas_cli.explorables._grey import shades

if TYPE_CHECKING:
    from torch import Tensor

    from atlas_cli.systems.flow.cfm import CFM

N_SAMPLES = 6  # walks to choose from
STEPS = 20
DONE = tuple(range(STEPS + 1))


class Walk(NamedTuple):
    """One way from noise to an image, by Euler's method in STEPS steps of one length."""

    x: Tensor  # (STEPS + 1, H, W): from pure noise to the image
    goal: Tensor  # (STEPS + 1, H, W): where each velocity would lead if it stayed as it is
    aside: list[float]  # a pixel's mean distance of each x from the straight line between both ends
    turn: list[float]  # degrees between each velocity and that line; of the image itself, the last one's
    label: int  # the class that was asked for


def flow_path(system: Any, done: int, sample: int) -> Frame:
    """The walk after some steps, where it is heading, and how it bends.

    Raises:
        UsageError: a flow of points, which makes no image.
    """
    flow = getattr(system, "student", system)
    if not flow.classes:
        raise UsageError("this run moves points, and makes no image", "atlas train cfm --recipe small")
    walk = _walk(flow, sample)
    times = [k / STEPS for k in DONE]
    pictures = Images(
        f"Class {walk.label}: x_t, and where its velocity leads",
        (shades(walk.x[done]), shades(walk.goal[done])), 2, ("x_t", "straight on"),
    )  # fmt: skip
    plot = Curves(
        "Degrees between the velocity and the straight line",
        (Series("this walk", times, walk.turn),), "t (0 noise, 1 image)", "degrees", marker=times[done],
        drag=Drag("done", "x", DONE, times),
    )  # fmt: skip
    return Frame(
        ((pictures, plot),),
        f"After {done} of {STEPS} steps the velocity points {walk.turn[done]:.2g} degrees past the image at "
        "the end. On a straight path it would point there from the first step on, and one step would do. "
        "Where noise was joined at random it points, at t = 0, to the mean of all images of the class.",
        {
            "step": f"{done} of {STEPS}", "degrees off the line": walk.turn[done],
            "distance from the line": walk.aside[done],
        },
    )  # fmt: skip


@cache
def _walk(system: CFM, sample: int) -> Walk:
    """The walk number `sample`, which asks for that class and starts from that seed."""
    import torch

    label = torch.tensor([sample % system.classes], device=system.setting.device)
    x, path, speeds = system.noise(1, torch.Generator(system.setting.device).manual_seed(sample)), [], []
    with torch.no_grad():
        for k in range(STEPS):
            path.append(x)
            speeds.append(system.field(x, k / STEPS, label))
            x = x + speeds[-1] / STEPS
    path.append(x)
    speeds.append(speeds[-1])
    way, goals = (
        path[-1] - path[0],
        [p + (1 - k / STEPS) * v for k, (p, v) in enumerate(zip(path, speeds, strict=True))],
    )
    cosines = [torch.cosine_similarity(v.flatten(), way.flatten(), dim=0).clamp(-1, 1) for v in speeds]
    aside = [float((p - path[0] - k / STEPS * way).square().mean().sqrt()) for k, p in enumerate(path)]
    seen, heading = (torch.cat(images).float().mean(1).cpu() for images in (path, goals))
    return Walk(seen, heading, aside, [float(c.acos().rad2deg()) for c in cosines], int(label))


EXPLORABLE = Explorable(
    "flow-path", "flow", ("cfm",), "Your flow's way from noise to an image",
    "When does what lies straight on become what is drawn, and where does the path bend most?",
    (
        Knob("done", "steps done", DONE, 5, "play"),
        Knob("sample", "sample", tuple(range(N_SAMPLES)), 3, "slider"),
    ),
    None, from_run=flow_path, systems=("cfm",),
    place=60,
)  # fmt: skip
