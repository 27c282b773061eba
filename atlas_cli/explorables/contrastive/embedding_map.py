"""Where held-out images lie: as raw pixels, by an untrained encoder, and by the h and the z of a run."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from atlas_cli.diagrams.frames import Bars, Explorable, Frame, Group, Images, Knob, Scatter
from atlas_cli.explorables._grey import shades

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from atlas_cli.systems.contrastive.simclr import SimCLR

LAYERS = ("pixels", "untrained", "features h", "projection z")
POINTS, NEAREST = 250, 5  # images on the map; neighbours that are shown
ASKED = tuple(range(1, 11))  # images whose neighbours are looked for


class Seen(NamedTuple):
    """What an encoder, or none, makes of the images of the map."""

    places: NDArray  # (POINTS, 2), on the two principal axes
    near: Tensor  # (POINTS, NEAREST), the nearest others by angle
    agreeing: float  # share of those that are of the image's own class
    alignment: float
    uniformity: float


def embedding_map(system: SimCLR, layer: str, image: int) -> Frame:
    """The map, the neighbours of one image, and how evenly the images lie on the sphere."""
    import numpy as np

    images, label = _images(system)
    every = {name: _seen(system, name) for name in LAYERS}
    seen = every[layer]
    names = system.setting.data.class_names
    half = 1.05 * float(np.abs(seen.places).max())
    groups = tuple(Group(names[k], seen.places[label.numpy() == k].round(3)) for k in label.unique().tolist())
    asked = image - 1
    around = [asked, *seen.near[asked].tolist()]
    same = sum(int(label[i] == label[asked]) for i in around[1:])
    panels = (
        (Scatter(f"Held-out images by their class: {layer}", groups, (-half, half, -half, half)),),
        (
            Images("The image and its nearest", tuple(shades(images[i].mean(0)) for i in around),
                   NEAREST + 1, ("this", *(names[int(label[i])] for i in around[1:]))),
            Bars("Nearest images that are of one's class", LAYERS,
                 tuple(every[name].agreeing for name in LAYERS), 1.0),
        ),
    )  # fmt: skip
    return Frame(
        panels,
        f"Seen by {layer}: of the {NEAREST} nearest of image {image}, {same} are of its class, and "
        f"{seen.agreeing:.0%} over all images. Two views of one image lie {seen.alignment:.2f} apart "
        f"(squared, on the unit sphere); the uniformity is {seen.uniformity:.2f}, the lower the evener.",
        {
            "nearest of one's class": seen.agreeing, "alignment": seen.alignment,
            "uniformity": seen.uniformity,
        },
    )  # fmt: skip


@cache
def _images(system: SimCLR) -> tuple[Tensor, Tensor]:
    """The first held-out images, as the run shows them, and their classes."""
    source = system.setting.data
    shown = system.shown(source.test_images[:POINTS], source.test_labels[:POINTS], "mapped")
    return shown.x.cpu(), shown.label.cpu()


@cache
def _seen(system: SimCLR, layer: str) -> Seen:
    from torch.nn import functional as F

    from atlas_cli.draws import BatchRandom
    from atlas_cli.metrics import probe

    images, label = _images(system)
    random = BatchRandom(0, 0, len(images), purpose="geometry")
    first, second = system.pair(system.setting.data.test(POINTS)[0].cpu(), random)
    x, a, b = (_made(system, layer, part) for part in (images, first, second))
    unit = F.normalize(x, dim=1)
    near = (unit @ unit.T).fill_diagonal_(-2.0).topk(min(NEAREST, len(x) - 1), dim=1).indices
    agreeing = (label[near] == label[:, None]).float().mean().item()
    return Seen(probe.plane(x), near, agreeing, probe.alignment(a, b), probe.uniformity(a))


def _made(system: SimCLR, layer: str, images: Tensor) -> Tensor:
    there = images.to(system.setting.device)
    if layer == "pixels":
        return images.flatten(1)
    if layer == "untrained":
        return system.features(there, system.untrained()).cpu()
    return (system.features(there) if layer == "features h" else system.embed(there)).cpu()


EXPLORABLE = Explorable(
    "embedding-map", "contrastive", ("simclr",), "What lies near what",
    "In which of the four do nearest images share a class, though none was told a class?",
    (
        Knob("layer", "seen by", LAYERS, "features h", "choice"),
        Knob("image", "image", ASKED, 1, "play"),
    ),
    None, from_run=embedding_map, systems=("simclr",), place=20,
)  # fmt: skip
