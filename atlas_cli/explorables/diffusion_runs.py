"""Diffusion as a trained run does it: the reader's own net, on its own way from noise to an image."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from atlas_cli.diagrams.frames import Curves, Explorable, Frame, Images, Knob, Series

if TYPE_CHECKING:
    from torch import Tensor

    from atlas_cli.systems.diffusion.ddpm import DDPM

N_SAMPLES = 6  # walks to choose from
SHADES = 32  # of a picture: noise is hard to pack, and no eye tells more shades of it
SHARES = tuple(range(0, 101, 5))  # per cent of the walk
WEIGHTS = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)  # of guidance
COPIES = 6  # images of each class
SHOWN = 3  # classes, and images of each, that are drawn
GUIDED_STEPS = 10


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
        (_shades(walk.x[step]), _shades(walk.estimate[step])), 2, ("x_t", "seen"),
    )  # fmt: skip
    plot = Curves(
        "How far from the image at the end", curves, "% of the walk", "distance a pixel", marker=shares[step]
    )
    return Frame(
        ((pictures, plot),),
        "The net guesses the whole image at every step, first the average of all it could still become. "
        "At which share of the walk can you name what the net sees, and at which what stands in x_t? "
        "Take another sample: is it decided at the same place?",
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


# --- the weight of guidance ---------------------------------------------------------------------------


class Guided(NamedTuple):
    """Images of every class under one weight, each from the same noises, and what they came to."""

    images: Tensor  # (classes * COPIES, H, W), class by class
    right: float  # share that the judge reads as the class asked for
    spread: float  # mean distance of two images of a class, over that of two real ones


def guidance_curve(system: DDPM, weight: float) -> Frame:
    """Samples of the run under this weight, and what every weight buys and costs."""
    results = {w: _guided(system, w) for w in WEIGHTS}
    here = results[weight]
    pictures = Images(
        f"A row a class, the same noises, weight {weight:g}",
        tuple(_shades(here.images[COPIES * y + i]) for y in range(SHOWN) for i in range(SHOWN)), SHOWN,
    )  # fmt: skip
    curves = (
        Series("read as asked", WEIGHTS, [r.right for r in results.values()]),
        Series("spread within a class", WEIGHTS, [r.spread for r in results.values()], "dashed"),
    )
    plot = Curves("What your net gains and pays", curves, "weight", "share of all, of real", marker=weight)
    return Frame(
        ((pictures,), (plot,)),
        "At 0 the class is ignored and at 1 it is followed as learned; above, it is exaggerated. Compare the "
        "images of a row: at which weight do they begin to look alike, and was the class read before that?",
        {"read as asked": here.right, "spread within a class, over real": here.spread},
    )


@cache
def _guided(system: DDPM, weight: float) -> Guided:
    import torch

    from atlas_cli.data.images import to_float
    from atlas_cli.metrics.judge import Judge
    from atlas_cli.screen import messages
    from atlas_cli.systems.diffusion import sampler

    n_classes, source = system.config.n_classes, system.setting.data
    walk = sampler.Walk("ddim", GUIDED_STEPS, eta=0.0, guidance=weight, clip=system.config.clip)
    label = torch.arange(n_classes).repeat_interleave(COPIES)
    images = system.draw(label, torch.Generator().manual_seed(0), walk=walk)[-1].float()
    scores = Judge.load_or_train(source, messages.say).score(images, label)
    real = [to_float(source.test_images[source.test_labels == y][:COPIES]) for y in range(n_classes)]
    spread = _spread(list(images.split(COPIES))) / _spread(real)
    return Guided(images.mean(1), scores["class_accuracy"], spread)


def _spread(classes: list[Tensor]) -> float:
    """Mean distance of two images of one class, over the classes."""
    import torch

    return float(torch.stack([torch.pdist(images.flatten(1)).mean() for images in classes]).mean())


def _distance(path: Tensor, end: Tensor) -> list[float]:
    """Root mean square over the pixels, of each picture to the last."""
    distances: list[float] = (path - end).square().mean((1, 2)).sqrt().tolist()
    return distances


def _shades(picture: Tensor) -> Tensor:
    """From [-1, 1] to grey."""
    grey = (picture.clamp(-1, 1) + 1) / 2
    return (grey * SHADES).round() / SHADES


EXPLORABLES = (
    Explorable(
        "noise-path", "diffusion", ("ddpm", "ddim", "cfg"), "Your net's way from noise to an image",
        "When does the net know what it draws, and when could you?",
        (
            Knob("done", "walk done", SHARES, 50, "play", "%"),
            Knob("sample", "sample", tuple(range(N_SAMPLES)), 3, "slider"),
        ),
        None, from_run=noise_path, systems=("ddpm",),
    ),
    Explorable(
        "guidance-curve", "diffusion", ("cfg", "ddpm"), "Your net, told the class more and more loudly",
        "Which weight would you choose for this net, and what does it cost?",
        (Knob("weight", "guidance", WEIGHTS, 2.0, "slider"),),
        None, from_run=guidance_curve, systems=("ddpm",),
    ),
)  # fmt: skip
