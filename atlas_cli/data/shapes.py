"""Shapes: scenes of one or two coloured shapes, drawn by a program that knows what it drew.

Each image: pick the things (size, colour, shape) and how the first stands to the second, find places for
them that leave no doubt about it, and cover every pixel by its distance from the outlines.
Shapes:  N scenes, M outlines, H = W = 32 pixels. Points are x, y in pixels, y down; a pixel's centre is at
         one half. A thing fills a square box of side 2 r; only the triangle's tip is narrower than its box.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from atlas_cli.data import captions
from atlas_cli.data.captions import COLOURS, RELATIONS, SHAPES, Ints

SIZE = 32  # px
RADII = np.array([(3.0, 3.75), (5.0, 6.25)], np.float32)  # px, small and large: half the side of the box
PALETTE = np.array(
    [(0.90, 0.16, 0.16), (0.13, 0.70, 0.25), (0.16, 0.33, 0.95), (0.95, 0.80, 0.10)], np.float32
)
TINT = 0.04  # sd of a thing's colour around the palette's
DARKEST, LIGHTEST = 0.02, 0.14  # grey of the background
BORDER, GAP = 1.0, 2.0  # px that stay free at the rim, and between two boxes
CLEAR = 3.0  # px by which the axis of a relation outweighs the other one
ALONE = 0.25  # share of scenes with a single thing
SAID = 1 / 3  # share of things whose size the caption names
BATCH = 512  # scenes drawn at once

#: Pairs of colour and shape that no training scene shows.
HELD_OUT = (("red", "triangle"), ("green", "square"), ("yellow", "circle"))

Array = NDArray[np.float32]


class Drawn(NamedTuple):
    """Scenes and the truth about them, as arrays."""

    images: NDArray[np.uint8]  # (N, 3, H, W)
    tokens: Ints  # (N, L)
    things: Ints  # (N, 2, 3) size, colour, shape in the order of their mention; -1: there is no second one
    boxes: Array  # (N, 2, 4) left, top, right, bottom; 0 where there is no second one


def draw(n: int, seed: int, unseen: bool = False) -> Drawn:
    """Draw n scenes.

    Args:
        unseen: One thing of every scene is of a pair in HELD_OUT; otherwise none is.

    Returns:
        The scenes; equal arguments give equal arrays.
    """
    rng = np.random.default_rng(seed)
    two = rng.random(n) >= ALONE  # (N,)
    relation = rng.integers(0, len(RELATIONS), n)
    things = _things(n, rng, unseen, two)
    low, high = RADII[things[..., 0]].transpose(2, 0, 1)  # (N, 2) each
    radius = low + (high - low) * rng.random((n, 2), np.float32)
    centre = _places(radius, relation, two, rng)
    tint = rng.standard_normal((n, 2, 3), np.float32).clip(-2, 2)
    colour = (PALETTE[things[..., 1]] + TINT * tint).astype(np.float32)
    ground = rng.uniform(DARKEST, LIGHTEST, n).astype(np.float32)

    images = np.empty((n, 3, SIZE, SIZE), np.uint8)
    for start in range(0, n, BATCH):
        rows = slice(start, start + BATCH)
        images[rows] = _paint(
            things[rows, :, 2], centre[rows], radius[rows], colour[rows], ground[rows], two[rows]
        )
    boxes = np.concatenate([centre - radius[..., None], centre + radius[..., None]], 2)  # (N, 2, 4)
    boxes[~two, 1], things[~two, 1] = 0, -1
    return Drawn(images, captions.encode(things, rng.random((n, 2)) < SAID, relation), things, boxes)


def is_held_out(things: Ints) -> NDArray[np.bool_]:
    """Which of the things (..., 3) are of a pair in HELD_OUT."""
    return np.isin(things[..., 1] * len(SHAPES) + things[..., 2], _held_out())


def coverage(shape: Ints, centre: Array, radius: Array) -> Array:
    """How much of each pixel lies within each outline, (M, H, W) in [0, 1]; the rim is one pixel wide.

    Args:
        shape: (M,) index into SHAPES.
        centre: (M, 2) x and y of the box's centre.
        radius: (M,) half the side of the box.
    """
    grid = np.arange(SIZE, dtype=np.float32) + 0.5
    x = np.abs(grid - centre[:, :1])[:, None]  # (M, 1, W)
    y = (grid - centre[:, 1:])[:, :, None]  # (M, H, 1)
    r = radius[:, None, None]
    outside = np.empty((len(shape), SIZE, SIZE), np.float32)  # distance from the outline, negative within
    for name, distance in (("circle", _from_circle), ("square", _from_square), ("triangle", _from_triangle)):
        these = shape == SHAPES.index(name)
        outside[these] = distance(x[these], y[these], r[these])
    covered: Array = np.clip(0.5 - outside, 0, 1)
    return covered


def _from_circle(x: Array, y: Array, r: Array) -> Array:
    distance: Array = np.sqrt(x * x + y * y) - r
    return distance


def _from_square(x: Array, y: Array, r: Array) -> Array:
    distance: Array = np.maximum(x, np.abs(y)) - r
    return distance


def _from_triangle(x: Array, y: Array, r: Array) -> Array:
    """The tip is in the middle of the box's top, the base is its bottom."""
    side = (2 * x - (y + r)) / np.float32(5**0.5)  # from (0, -r) to (r, r)
    distance: Array = np.maximum(side, y - r)
    return distance


def _things(n: int, rng: np.random.Generator, unseen: bool, two: NDArray[np.bool_]) -> Ints:
    """Sizes, colours and shapes, (N, 2, 3); every size and every allowed pair is equally likely."""
    held, every = _held_out(), np.arange(len(COLOURS) * len(SHAPES))
    pairs = rng.choice(every if unseen else np.setdiff1d(every, held), (n, 2))
    if unseen:
        chosen = rng.integers(0, 2, n) * two  # of a single thing it is that one
        pairs[np.arange(n), chosen] = rng.choice(held, n)
    size = rng.integers(0, 2, (n, 2))
    return np.stack([size, pairs // len(SHAPES), pairs % len(SHAPES)], 2)


def _held_out() -> Ints:
    return np.array([COLOURS.index(c) * len(SHAPES) + SHAPES.index(s) for c, s in HELD_OUT])


def _places(radius: Array, relation: Ints, two: NDArray[np.bool_], rng: np.random.Generator) -> Array:
    """Centres (N, 2, 2) that make the relation true beyond doubt; a single thing stands anywhere."""
    n = len(radius)
    low, high = BORDER + radius, SIZE - BORDER - radius  # (N, 2) where each centre may be
    apart = radius.sum(1) + GAP  # (N,) along the relation's axis
    first = _between(low[:, 0], np.where(two, high[:, 1] - apart, high[:, 0]), rng)
    second = _between(first + apart, high[:, 1], rng)
    across = _between(low[:, 0], high[:, 0], rng)
    reach = second - first - CLEAR  # how far the second may stand aside
    aside = _between(np.maximum(low[:, 1], across - reach), np.minimum(high[:, 1], across + reach), rng)
    along = np.stack([first, second], 1)  # (N, 2)
    athwart = np.stack([across, aside], 1)
    left = (relation == RELATIONS.index("left of"))[:, None]
    centre = np.stack([np.where(left, along, athwart), np.where(left, athwart, along)], 2)
    return centre.reshape(n, 2, 2).astype(np.float32)


def _between(low: Array, high: Array, rng: np.random.Generator) -> Array:
    drawn: Array = low + (high - low) * rng.random(len(low), np.float32)
    return drawn


def _paint(
    shape: Ints, centre: Array, radius: Array, colour: Array, ground: Array, two: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    """Images (B, 3, H, W): the background, and over it each thing in its colour."""
    b = len(shape)
    covered = coverage(shape.reshape(-1), centre.reshape(-1, 2), radius.reshape(-1)).reshape(b, 2, SIZE, SIZE)
    covered[~two, 1] = 0
    change = colour - ground[:, None, None]  # (B, 2, 3)
    image = ground[:, None, None, None] + np.einsum("bkc,bkhw->bchw", change, covered)
    painted: NDArray[np.uint8] = np.rint(255 * image.clip(0, 1)).astype(np.uint8)
    return painted
