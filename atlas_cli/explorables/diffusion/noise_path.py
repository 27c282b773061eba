"""A trained net on its own ways from noise to images."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from atlas_cli.diagrams.frames import Curves, Explorable, Frame, Images, Knob, Series
from atlas_cli.explorables._grey import shades

if TYPE_CHECKING:
    from torch import Tensor

    from atlas_cli.systems.diffusion.ddpm import DDPM

N_SAMPLES = 5  # walks, side by side
SHARES = tuple(range(0, 101, 5))  # per cent of the walk
FEW_SHADES = 16  # most of x_t is noise, which nothing packs


class Walk(NamedTuple):
    """One sample's way from noise to an image, as the run's own sampler goes."""

    x: Tensor  # (steps + 1, H, W): the walk, from pure noise to the image
    estimate: Tensor  # (steps + 1, H, W): the clean image that the net sees in each
    t: list[int]  # the time at which the net was asked; 0 at the image itself
    label: int  # the class that was asked for


def noise_path(system: DDPM, done: int, sample: int) -> Frame:
    """All walks when a share of them is done, what the net makes of each, and how far one still has to go."""
    walks = [_walk(system, i) for i in range(N_SAMPLES)]
    walk = walks[sample]
    n_steps = len(walk.x) - 1
    step = round(done / 100 * n_steps)
    end = walk.x[-1]
    away_x, away_estimate = (_distance(path, end) for path in (walk.x, walk.estimate))
    shares = [100 * i / n_steps for i in range(n_steps + 1)]
    curves = (
        Series("the walk x_t", shares, away_x),
        Series("the net's estimate", shares, away_estimate, "dashed"),
    )
    noisy = Images(
        f"x_t, after step {step} of {n_steps}",
        tuple(shades(w.x[step], FEW_SHADES) for w in walks), N_SAMPLES,
    )  # fmt: skip
    seen = Images(
        "What the net sees in each: the image that it guesses",
        tuple(shades(w.estimate[step], FEW_SHADES) for w in walks), N_SAMPLES,
        tuple(f"asked for {w.label}" for w in walks),
    )  # fmt: skip
    plot = Curves(
        f"The walk of class {walk.label}: how far it is from its end",
        curves,
        "% of the walk",
        "distance a pixel",
        marker=shares[step],
        drag="done",
    )
    return Frame(
        ((noisy,), (seen,), (plot,)),
        f"At step {step} of {n_steps} the x_t of class {walk.label} is {away_x[step]:.2g} a pixel from the "
        f"image that it becomes, the net's estimate {away_estimate[step]:.2g}. The net guesses the whole "
        "image at every step, first the average of all it could still become.",
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
    "noise-path", "diffusion", ("ddpm", "ddim", "cfg"), "A net's way from noise to images",
    "At which share of the walk can you name what the net sees, and at which what stands in x_t?",
    (
        Knob("done", "walk done", SHARES, 50, "play", "%"),
        Knob("sample", "plotted", tuple(range(N_SAMPLES)), 3, "slider"),
    ),
    None, from_run=noise_path, systems=("ddpm",),
    place=5, opens=True, plays=True,
)  # fmt: skip
