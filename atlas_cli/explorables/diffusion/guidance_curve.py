"""A trained net, told the class more and more loudly: what every weight of guidance buys and costs."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from atlas_cli.diagrams.frames import Curves, Explorable, Frame, Images, Knob, Series
from atlas_cli.explorables._grey import shades

if TYPE_CHECKING:
    from torch import Tensor

    from atlas_cli.systems.diffusion.ddpm import DDPM

WEIGHTS = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)  # of guidance
COPIES = 6  # images of each class
SHOWN = 3  # classes, and images of each, that are drawn
GUIDED_STEPS = 10


class Guided(NamedTuple):
    """Images of every class under one weight, each from the same noises, and what they came to."""

    images: Tensor  # (classes * COPIES, H, W), class by class
    right: float  # share that the judge reads as the class asked for
    spread: float  # mean distance of two images of a class, over that of two real ones


def guidance_curve(system: DDPM, weight: float) -> Frame:
    """Samples of the run under this weight, and what every weight buys and costs."""
    results = {w: _guided(system, w) for w in WEIGHTS}
    here = _guided(system, weight)
    pictures = Images(
        f"A row a class, the same noises, weight {weight:g}",
        tuple(shades(here.images[COPIES * y + i]) for y in range(SHOWN) for i in range(SHOWN)), SHOWN,
    )  # fmt: skip
    curves = (
        Series("read as asked", WEIGHTS, [r.right for r in results.values()]),
        Series("spread within a class", WEIGHTS, [r.spread for r in results.values()], "dashed"),
    )
    plot = Curves(
        "What the net gains and pays",
        curves,
        "weight",
        "share of all, of real",
        marker=weight,
        drag="weight",
    )
    return Frame(
        ((pictures,), (plot,)),
        f"At weight {weight:g} the judge reads {here.right:.0%} of the images as the class asked for, and "
        f"images of a class lie {here.spread:.2g} times as far apart as real ones. At 0 the class is ignored "
        "and at 1 it is followed as learned; above, it is exaggerated.",
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


EXPLORABLE = Explorable(
    "guidance-curve", "diffusion", ("cfg", "ddpm"), "A net, told the class more and more loudly",
    "At which weight do the images of a row begin to look alike, and was the class read before that?",
    (Knob("weight", "guidance", WEIGHTS, 2.0, "slider"),),
    None, from_run=guidance_curve, systems=("ddpm",),
    place=50,
)  # fmt: skip
