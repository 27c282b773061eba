"""A reader of `shapes` scenes: which things stand where, and whether a scene is as a caption says.

Nothing is learned. The background is the border's median; a pixel belongs to the colour of the palette whose
mixture with the background explains it best; connected pixels are one thing; its shape is the outline that,
of the same area and centre of mass, covers the same pixels.
Strict:  what fits no outline or has no colour of its own is an unknown thing, and no caption speaks of those:
         a picture full of noise holds hundreds.
Shapes:  N images, K colours, M things, H = W = 32 pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from atlas_cli.data.captions import SHAPES, Claim, Thing, holds, parse
from atlas_cli.data.shapes import PALETTE, RADII, SIZE, coverage

UNKNOWN = -1
WORST = 0.35  # share of an outline's area by which pixels may differ from it
PURE = 0.8  # share of a thing's pixels that must have its colour
STRAY = 0.25  # distance of a pixel from every mixture with the background beyond which it has no colour
SPECK = 4  # px below which a spot is overlooked
MOST = 4  # things; a scene with more is not looked at further

_ALONG_IMAGES = np.zeros((3, 3, 3), np.int64)  # pixels touch within an image, never across the batch
_ALONG_IMAGES[1] = [[0, 1, 0], [1, 1, 1], [0, 1, 0]]

Array = NDArray[np.float32]
Ints = NDArray[np.int64]


class Seen(NamedTuple):
    """A thing in a picture."""

    size: int  # index into SIZES
    colour: int  # index into COLOURS, or UNKNOWN
    shape: int  # index into SHAPES, or UNKNOWN
    centre: tuple[float, float]  # of its box, x and y in pixels, y down
    radius: float  # half the side of its box, px

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom in pixels."""
        (x, y), r = self.centre, self.radius
        return x - r, y - r, x + r, y + r


def scene_accuracy(images: Float[Tensor, "N 3 H W"], captions: Sequence[str]) -> float:
    """Share of the images, in [-1, 1], that are as their captions say."""
    said = [parse(caption) for caption in captions]
    return float(np.mean([agrees(seen, claim) for seen, claim in zip(read(images), said, strict=True)]))


def agrees(seen: Sequence[Seen], claim: Claim) -> bool:
    """Whether a scene holds the things of a caption and no others, and they stand as it says."""
    if len(seen) != len(claim.things):
        return False
    if claim.relation is None:
        return _is(seen[0], claim.things[0])
    first, second = claim.things
    return any(
        _is(a, first) and _is(b, second) and holds(claim.relation, a.centre, b.centre)
        for a, b in (seen, seen[::-1])
    )


def read(images: Float[Tensor, "N 3 H W"]) -> list[list[Seen]]:
    """The things of every image in [-1, 1], in no order."""
    pixels = ((images.detach().float().cpu().numpy() + 1) / 2).clip(0, 1)
    colour, amount = _unmixed(pixels)
    labels, image = _spots((amount > 0.5) | (colour == UNKNOWN))
    scenes: list[list[Seen]] = [[] for _ in range(len(pixels))]
    crowded = np.bincount(image, minlength=len(pixels)) > MOST
    for i in np.flatnonzero(crowded):
        scenes[i] = [Seen(0, UNKNOWN, UNKNOWN, (0.0, 0.0), 0.0)] * (MOST + 1)
    wanted = np.flatnonzero(~crowded[image])
    if len(wanted):
        inside = labels[image[wanted]] == wanted[:, None, None] + 1  # (M, H, W)
        hues = _hues(colour[image[wanted]], inside)
        things = _outlines(amount[image[wanted]], inside)
        for i, hue, (shape, centre, radius) in zip(image[wanted], hues, things, strict=True):
            size = int(radius > (RADII[0, 1] + RADII[1, 0]) / 2)
            scenes[i].append(Seen(size, int(hue), shape, centre, radius))
    return scenes


def _is(seen: Seen, thing: Thing) -> bool:
    fits = (seen.colour, seen.shape) == (thing.colour, thing.shape)
    return fits and thing.size in (None, seen.size)


def _unmixed(pixels: Array) -> tuple[Ints, Array]:
    """Each pixel as background and one colour: which colour (N, H, W), and how much of it, in [0, 1]."""
    rim = np.concatenate([pixels[..., 0, :], pixels[..., -1, :], pixels[..., 0], pixels[..., -1]], 2)
    ground = np.median(rim, axis=2)  # (N, 3)
    change = pixels - ground[..., None, None]  # (N, 3, H, W)
    pure = PALETTE - ground[:, None]  # (N, K, 3) from the background to each colour
    along = np.einsum("nkc,nchw->nkhw", pure, change) / np.square(pure).sum(2)[..., None, None]
    amounts = along.clip(0, None)  # (N, K, H, W)
    left = change[:, None] - amounts[:, :, None] * pure[..., None, None]  # (N, K, 3, H, W)
    error = np.sqrt(np.square(left).sum(2))
    colour = error.argmin(1)  # (N, H, W)
    amount = np.take_along_axis(amounts, colour[:, None], 1)[:, 0].clip(0, 1)
    return np.where(error.min(1) > STRAY, UNKNOWN, colour), amount.astype(np.float32)


def _spots(solid: NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """Connected pixels: their number + 1 or 0 (N, H, W), and each spot's image (M,); specks are left out."""
    labels, count = ndimage.label(solid, structure=_ALONG_IMAGES)
    area = np.bincount(labels.reshape(-1), minlength=count + 1)
    kept = area >= SPECK
    kept[0] = False
    renamed = np.cumsum(kept) * kept
    labels = renamed[labels]
    image = np.zeros(kept.sum() + 1, np.int64)
    where = np.nonzero(labels)
    image[labels[where]] = where[0]
    return labels, image[1:]


def _hues(colour: Ints, inside: NDArray[np.bool_]) -> Ints:
    """The colour of each spot (M,), UNKNOWN where its pixels do not agree."""
    votes = np.stack([((colour == k) & inside).sum((1, 2)) for k in range(len(PALETTE))], 1)  # (M, K)
    agreed = votes.max(1) >= PURE * inside.sum((1, 2))
    return np.where(agreed, votes.argmax(1), UNKNOWN)


def _outlines(amount: Array, inside: NDArray[np.bool_]) -> list[tuple[int, tuple[float, float], float]]:
    """Shape, centre and radius of each spot: of the outlines of its area and centre of mass the nearest."""
    m = len(inside)
    near = ndimage.binary_dilation(inside, structure=np.ones((1, 3, 3)))  # its soft rim too
    ink = np.where(near, amount, 0)  # (M, H, W)
    area = ink.sum((1, 2)).clip(1, None)
    grid = np.arange(SIZE, dtype=np.float32) + 0.5
    mass = np.stack([ink.sum(1) @ grid, ink.sum(2) @ grid], 1) / area[:, None]  # (M, 2) x, y
    radii = {"circle": np.sqrt(area / np.pi), "square": np.sqrt(area) / 2, "triangle": np.sqrt(area / 2)}
    centres, errors = [], []
    for index, name in enumerate(SHAPES):
        r = radii[name].astype(np.float32)
        low = r / 3 if name == "triangle" else 0 * r  # its mass lies below the middle of its box
        centre = mass - np.stack([0 * r, low], 1)
        outline = coverage(np.full(m, index), centre.astype(np.float32), r)
        centres.append(centre)
        errors.append(np.abs(ink - outline).sum((1, 2)) / area)
    best = np.argmin(errors, axis=0)  # (M,)
    found = []
    for i, shape in enumerate(best):
        x, y = centres[shape][i]
        known = int(shape) if errors[shape][i] <= WORST else UNKNOWN
        found.append((known, (float(x), float(y)), float(radii[SHAPES[shape]][i])))
    return found
