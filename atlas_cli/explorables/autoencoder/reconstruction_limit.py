"""The most that a tokenizer can give back: its own codes, and fewer of them.

Of the codes only the most used ones are kept, and every other place takes the kept code whose vector is
nearest to its own. The networks stay as they were trained.
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from atlas_cli.diagrams.frames import Curves, Explorable, Frame, Images, Knob, Series
from atlas_cli.explorables._grey import shades

if TYPE_CHECKING:
    from torch import Tensor

    from atlas_cli.systems.autoencoder.tokenizer import Tokenizer

N_IMAGES = 200  # test images behind the curve
N_SHOWN = 6
KEPT = (1, 2, 4, 8, 16, 32, 64, 128, 256)  # codes
FIRST = (0, 6, 12, 18, 24, 30)  # of the images shown


class Kept(NamedTuple):
    """Test images rebuilt with so many codes."""

    back: Tensor  # (N, H, W)
    error: float  # mean squared, pixels of [0, 1]


def reconstruction_limit(system: Tokenizer, kept: int, first: int) -> Frame:
    """Test images, what the kept codes give back, and the error by the number of codes."""
    images = _images(system)
    counts = [n for n in KEPT if n < system.codebook_size] + [system.codebook_size]
    kept = min(counts, key=lambda n: abs(math.log(n / kept)))
    now = _rebuilt(system, kept)
    errors = [_rebuilt(system, n).error for n in counts]
    some = slice(first, first + N_SHOWN)
    curve = Curves(
        "Error of a pixel", (Series("these networks", counts, errors),), "codes that are kept",
        "squared error", log_x=True, log_y=True, marker=kept, drag="kept",
    )  # fmt: skip
    bits = math.prod(system.grid) * math.log2(kept)
    return Frame(
        (
            (Images("Test images", tuple(shades(x) for x in images[some]), N_SHOWN),),
            (Images(f"With {kept} codes", tuple(shades(x) for x in now.back[some]), N_SHOWN),),
            (curve,),
        ),
        f"With {kept} of its codes, {bits:.0f} bits an image, the decoder leaves a squared error of "
        f"{now.error:.2g} a pixel. No model of these codes draws better than they are decoded. Shown are "
        f"test images {first + 1} to {first + N_SHOWN}.",
        {"codes": kept, "bits an image": bits, "squared error": now.error,
         "decibels": -10 * math.log10(max(now.error, 1e-9))},
    )  # fmt: skip


def _images(system: Tokenizer) -> Tensor:
    return system.setting.data.test(N_IMAGES)[0].mean(1)


@cache
def _codes(system: Tokenizer) -> tuple[Tensor, Tensor]:
    """The codes of the test images, (N, h, w), and all codes by use, (K,)."""
    import torch

    with torch.no_grad():
        indices = system.encode(system.setting.data.test(N_IMAGES)[0])
    counts = torch.bincount(indices.flatten(), minlength=system.codebook_size)
    return indices, counts.argsort(descending=True, stable=True)


@cache
def _rebuilt(system: Tokenizer, n: int) -> Kept:
    import torch

    indices, order = _codes(system)
    kept = order[:n]
    with torch.no_grad():
        vectors = system.quantiser.vectors(torch.arange(system.codebook_size).view(1, -1, 1))[0, :, :, 0].T
        stands_in = kept[torch.cdist(vectors, vectors[kept]).argmin(1)]  # (K,)
        stands_in[kept] = kept  # of two codes at one place each stands for itself
        back = system.decode(stands_in[indices]).mean(1)
    return Kept(back, float(((back - _images(system)) / 2).square().mean()))


EXPLORABLE = Explorable(
    "reconstruction-limit", "autoencoder", ("vq-vae", "fsq", "image-tokenizer"), "What codes can give back",
    "With how many codes can you read every digit, and what do the last hundred add?",
    (
        Knob("kept", "codes kept", KEPT, 256, "slider"),
        Knob("first", "images from", FIRST, 0, "slider"),
    ),
    None, from_run=reconstruction_limit, systems=("vq-vae", "fsq"), place=45,
)  # fmt: skip
