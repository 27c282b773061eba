"""The reader's own net on its own way from noise to an image."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from atlas_cli.diagrams.frames import Curves, Explorable, Frame, Images, Knob, Series
from atlas_cli.explorables._grey import shades

if TYPE_CHECKING:
    from torch import Tensor

    from atlas_cli.systems.diffusion.ddpm import DDPM

N_SAMPLES = 6  # walks to choose from
SHARES = tuple(range(0, 101, 5))  # per cent of the walk


class Walk(NamedTuple):
    """One sample's way from noise to an image, as the run's own sampler goes."""

    x: Tensor  # (steps + 1, H, W): the walk, from pure noise to the image
    estimate: Tensor  # (steps + 1, H, W): the clean image that the net sees in each
    t: list[int]  # the time at which the net was asked; 0 at the image itself
    label: int  # the class that was asked for


def noise_path(system: DDPM, done: int, sample: int) -> Frame:
    """The walk when a share of it is done, what the net makes of it, and where it ends."""
    walk = _walk(system, sample)
    n_steps = len(walk.x) - 1
    step = round(done / 100 * n_steps)
    end = walk.x[-1]
    away_x, away_estimate = (_distance(path, end) for path in (walk.x, walk.estimate))
    shares = [100 * i / n_steps for i in range(n_steps + 1)]
    curves = (
        Series("the walk x_t", shares, away_x),
        Series("the net's estimate", shares, away_estimate, "dashed"),
    )
    pictures = Images(
        f"Class {walk.label}: x_t, and what the net sees in it",
        (shades(walk.x[step]), shades(walk.estimate[step])), 2, ("x_t", "seen"),
    )  # fmt: skip
    plot = Curves(
        "How far from the image at the end",
        curves,
        "% of the walk",
        "distance a pixel",
        marker=shares[step],
        drag="done",
    )
    return Frame(
        ((pictures, plot),),
        f"At step {step} of {n_steps} x_t is {away_x[step]:.2g} a pixel from the image that it becomes, the "
        f"net's estimate {away_estimate[step]:.2g}. The net guesses the whole image at every step, first the "
        "average of all it could still become.",
        {
            "step": f"{step} of {n_steps}", "t": walk.t[step], "distance of x_t": away_x[step],
            "distance of the estimate": away_estimate[step],
        },
    )  # fmt: skip


@cache
def _walk(system: DDPM, sample: int) -> Walk:
    """The walk number `sample`, which asks for that class and starts from that seed."""
    import torch

    label = torch.tensor([sample % system.config.n_classes])
    path = system.draw(label, torch.Generator().manual_seed(sample))
    visited = system.timesteps()
    seen = [
        system.predict_data(x, torch.full_like(label, t), label)
        for x, t in zip(path[:-1], visited, strict=True)
    ]
    x, estimate = (torch.cat(images).float().mean(1) for images in (path, [*seen, path[-1]]))
    return Walk(x, estimate, [*visited, 0], int(label))


def _distance(path: Tensor, end: Tensor) -> list[float]:
    """Root mean square over the pixels, of each picture to the last."""
    distances: list[float] = (path - end).square().mean((1, 2)).sqrt().tolist()
    return distances


EXPLORABLE = Explorable(
    "noise-path", "diffusion", ("ddpm", "ddim", "cfg"), "Your net's way from noise to an image",
    "At which share of the walk can you name what the net sees, and at which what stands in x_t?",
    (
        Knob("done", "walk done", SHARES, 50, "play", "%"),
        Knob("sample", "sample", tuple(range(N_SAMPLES)), 3, "slider"),
    ),
    None, from_run=noise_path, systems=("ddpm",),
    place=10,
)  # fmt: skip
