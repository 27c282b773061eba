"""The patch that one opinion of a discriminator sees, found by the gradient of real convolutions.

Source:  Isola et al. 2016, arXiv:1611.07004, section 3.2.2: strided 4x4 convolutions, then two with stride 1.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from atlas_cli.diagrams.frames import Curves, Explorable, Frame, Images, Knob, Series

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import nn

SIDE = 56  # px: four digits of 28
LAYERS = (0, 1, 2, 3, 4)
KERNELS = (3, 4, 5)
PLACES = tuple(range(1, 10))  # 3 x 3 places of the map of outputs, in reading order
Layer = tuple[int, int, int]  # kernel, stride, padding


def layers_of(strided: int, kernel: int) -> list[Layer]:
    """Strided convolutions, and two that keep the size."""
    pad = (kernel - 1) // 2
    return [(kernel, 2, pad)] * strided + [(kernel, 1, pad)] * 2


def field(strided: int, kernel: int) -> tuple[int, int, int]:
    """By arithmetic: side of a patch, pixels to the next one, and where the first one begins."""
    size, jump, start = 1, 1, 0
    for width, stride, pad in layers_of(strided, kernel):
        size += (width - 1) * jump
        start -= pad * jump
        jump *= stride
    return size, jump, start


def span(strided: int, kernel: int, output: int) -> tuple[int, int]:
    """First pixel of an output's patch and the one after its last, as far as they lie on the image."""
    size, jump, start = field(strided, kernel)
    first = start + output * jump
    return max(0, first), min(SIDE, first + size)


def n_outputs(strided: int, kernel: int) -> int:
    """Outputs on a side."""
    side = SIDE
    for width, stride, pad in layers_of(strided, kernel):
        side = (side + 2 * pad - width) // stride + 1
    return side


@cache
def network(strided: int, kernel: int) -> nn.Sequential:
    """The convolutions with all weights equal: a gradient then counts the ways from a pixel to an output."""
    import torch
    from torch import nn

    convolutions = [
        nn.Conv2d(1, 1, k, stride=s, padding=p, bias=False) for k, s, p in layers_of(strided, kernel)
    ]
    with torch.no_grad():
        for convolution in convolutions:
            convolution.weight.fill_(1 / convolution.weight.numel())
    return nn.Sequential(*convolutions).double()


@cache
def influence(strided: int, kernel: int, row: int, column: int) -> NDArray:
    """Gradient of one output by each pixel, (SIDE, SIDE)."""
    import torch

    picture = torch.zeros(1, 1, SIDE, SIDE, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(network(strided, kernel)(picture)[0, 0, row, column], picture)
    return slope[0, 0].numpy()


@cache
def picture() -> NDArray:
    """Four drawn digits, 0 to 1."""
    import numpy as np

    from atlas_cli.data.strokes import draw

    digits = draw(4, seed=6)[0].reshape(4, 28, 28) / 255.0
    return np.concatenate([np.concatenate(list(digits[i : i + 2]), axis=1) for i in (0, 2)])


def patchgan(layers: int, kernel: int, place: int) -> Frame:
    """The image as one output sees it, how much each pixel counts, and the side of the patch."""
    n, (size, jump, _) = n_outputs(layers, kernel), field(layers, kernel)
    row, column = ((n - 1) * (third % 3) // 2 for third in ((place - 1) // 3, place - 1))
    slopes = influence(layers, kernel, row, column)
    seen = slopes > 0
    counts = Series("share of the gradient", tuple(range(SIDE)), slopes.sum(0) / slopes.sum())
    sides = (
        Series("arithmetic", LAYERS, tuple(field(depth, kernel)[0] for depth in LAYERS)),
        Series("the image", LAYERS, (SIDE,) * len(LAYERS), "dashed"),
        Series("measured", LAYERS, tuple(_measured(depth, kernel) for depth in LAYERS), "points"),
    )
    share = float(seen.mean())
    panels = (
        (Images("What one opinion sees, the rest dimmed", (_lit(seen),), 1),),
        (
            Curves("How much a column of pixels counts", (counts,),
                   "column", "share"),
            Curves("Side of the patch, px", sides, "strided layers", "px", marker=layers, drag="layers"),
        ),
    )  # fmt: skip
    return Frame(
        panels,
        f"Each of {n * n} outputs judges a patch of {size} x {size} px, {jump} px from its neighbour's, "
        f"and the loss is their mean: this one sees {share:.0%} of the image, the middle of its patch "
        "counts most. With kernels of 4 and three strided layers the patch is the 70 x 70 of pix2pix.",
        {
            "side of the patch": f"{size} px",
            "between neighbours": f"{jump} px",
            "opinions": n * n,
            "share of the image seen": share,
        },
    )


def _lit(seen: NDArray) -> NDArray:
    """The image, dim outside of the patch and lifted from black inside."""
    import numpy as np

    return np.where(seen, 0.25 + 0.75 * picture(), 0.35 * picture()).round(2)


@cache
def _measured(strided: int, kernel: int) -> int:
    """Side of the middle output's patch by its gradient; the image cuts off what lies beyond."""
    middle = n_outputs(strided, kernel) // 2
    return int((influence(strided, kernel, middle, middle).sum(0) > 0).sum())


EXPLORABLE = Explorable(
    "patchgan", "gan", ("patchgan",), "A critic that looks at patches",
    "Which depth can tell a clean stroke, and which whether the four digits belong together?",
    (
        Knob("layers", "strided layers", LAYERS, 2, "slider"),
        Knob("kernel", "kernel", KERNELS, 4, "choice"),
        Knob("place", "opinion", PLACES, 5, "play"),
    ),
    patchgan,
    place=40,
)  # fmt: skip
