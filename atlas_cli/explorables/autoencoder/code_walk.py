"""A walk through the code of the reader's own VAE, in the plane where the codes of some digits vary most."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from atlas_cli.diagrams.frames import Explorable, Frame, Group, Images, Knob, Scatter
from atlas_cli.explorables._grey import shades
from atlas_cli.explorables._ranges import evenly

if TYPE_CHECKING:
    from torch import Tensor

    from atlas_cli.systems.autoencoder.vae import VAE

N_IMAGES = 600  # held-out ones that are encoded
N_DRAWN = 160  # of them in the plane
N_STEPS = 5  # of the walk from left to right
PLACES = tuple(round(value, 2) for value in evenly(-2.4, 2.4, 13))
CLASSES = {"0 and 1": (0, 1), "3 and 8": (3, 8), "4 and 9": (4, 9)}
PLANE = (-3.0, 3.0, -3.0, 3.0)


class Plane(NamedTuple):
    """A plane through the codes of some classes: middle + x first axis + y second axis."""

    middle: Tensor  # (Z,)
    axes: Tensor  # (2, Z), orthonormal
    places: Tensor  # (N, 2) of the encoded images
    labels: list[int]  # of these
    images: Tensor  # (N, H, W), from -1 to 1
    share: float  # of the codes' variance that lies in the plane


@cache
def plane(vae: VAE, classes: str) -> Plane:
    """Of the held-out images of these classes, each encoded as its mean."""
    import torch

    from atlas_cli.systems.autoencoder.vae_figures import pixels_of

    source = vae.setting.data
    wanted = torch.isin(source.test_labels, torch.tensor(CLASSES[classes], device=source.test_labels.device))
    chosen = wanted.nonzero().flatten()[:N_IMAGES]
    images = source.test_images[chosen].float() / 127.5 - 1
    with torch.no_grad():
        codes = vae.encoder(pixels_of(vae, images, "walk"))[0]
    middle = codes.mean(0)
    _, scales, axes = torch.linalg.svd(codes - middle, full_matrices=False)
    axes = axes[:2] * axes[:2].sum(1, keepdim=True).sign()  # of two directions, one always
    places = (codes - middle) @ axes.T
    share = float(scales[:2].square().sum() / scales.square().sum())
    labels = source.test_labels[chosen].tolist()
    return Plane(middle, axes, places, labels, images.mean(1).cpu(), share)


def decoded(vae: VAE, found: Plane, places: Tensor) -> Tensor:
    """The pictures at some places of the plane, (N, H, W)."""
    import torch

    random = torch.Generator(vae.setting.device).manual_seed(0)
    z = found.middle + places.to(found.middle) @ found.axes
    return vae.pictures(z, random).mean(1).cpu()


def code_walk(vae: VAE, x: float, y: float, classes: str) -> Frame:
    """The picture at a place, the row of pictures through it, and where the digits lie."""
    import torch

    found = plane(vae, classes)
    row = torch.tensor([[v, y] for v in evenly(PLANE[0], PLANE[1], N_STEPS)])
    here, *walk = decoded(vae, found, torch.cat([torch.tensor([[x, y]]), row]))
    far = (found.places.cpu() - torch.tensor([x, y])).norm(dim=1)
    nearest = int(far.argmin())
    inside = [i for i in range(len(far)) if max(map(abs, found.places[i].tolist())) < PLANE[1]][:N_DRAWN]
    crowds = [
        Group(f"{digit}s", [found.places[i].tolist() for i in inside if found.labels[i] == digit])
        for digit in CLASSES[classes]
    ]
    return Frame(
        (
            (
                Images("Decoded here, and the nearest that was encoded",
                       (shades(here), shades(found.images[nearest])), 2,
                       ("decoded", f"data: a {found.labels[nearest]}")),
                Scatter("Where held-out digits are encoded", (*crowds, Group("here", [[x, y]])), PLANE,
                        drag=("x", "y")),
            ),
            (Images("From left to right through here", tuple(map(shades, walk)), N_STEPS),),
        ),
        f"At ({x:g}, {y:g}) of the plane where the codes of these digits vary most, the nearest of them, a "
        f"{found.labels[nearest]}, is {float(far[nearest]):.2g} away. The plane holds {found.share:.0%} of "
        "their variance; the other units of the code stay at their mean.",
        {
            "variance in the plane": found.share, "distance to the nearest digit": float(far[nearest]),
            "length of the code": float((found.middle + x * found.axes[0] + y * found.axes[1]).norm()),
        },
    )  # fmt: skip


EXPLORABLE = Explorable(
    "code-walk", "autoencoder", ("vae",), "A walk through your VAE's code",
    "From one crowd to the other, does the digit change all at once, or is there one that is neither?",
    (
        Knob("x", "x", PLACES, 0.0, "slider"),
        Knob("y", "y", PLACES, 0.0, "slider"),
        Knob("classes", "digits", tuple(CLASSES), "0 and 1", "choice"),
    ),
    None, from_run=code_walk, systems=("vae",),
    place=15,
)  # fmt: skip
